// The import arrows of the design: they point inward, and adapters never see each other.
const adapters = '^(broker|registry|feeds|sinks)/'
const forbid = (name, from, to) => ({ name, severity: 'error', from, to })

export default {
  forbidden: [
    forbid('no-circular', {}, { circular: true }),
    forbid(
      'schemas-import-nothing-of-ours',
      { path: '^schemas/' },
      { path: '^(?!schemas/|node_modules/|[a-z:]+$)[a-z]+/' },
    ),
    forbid('ports-see-only-schemas', { path: '^ports/' }, { path: '^(?!ports/|schemas/|node_modules/)[a-z]+/' }),
    forbid('core-is-pure', { path: '^processors/core/' }, { path: '^(?!processors/core/|schemas/)' }),
    forbid('core-has-no-platform', { path: '^processors/core/' }, { dependencyTypes: ['core', 'npm'] }),
    forbid(
      'operators-see-core-and-schemas',
      { path: '^processors/operators/' },
      {
        path: '^(?!processors/|schemas/|node_modules/rxjs)',
      },
    ),
    forbid(
      'broker-is-an-adapter',
      { path: '^broker/' },
      { path: '^(?!broker/|ports/|schemas/|node_modules/|[a-z:_/]+$)[a-z]+/' },
    ),
    forbid(
      'registry-is-an-adapter',
      { path: '^registry/' },
      { path: '^(?!registry/|ports/|schemas/|node_modules/|[a-z:_/]+$)[a-z]+/' },
    ),
    forbid(
      'feeds-are-adapters',
      { path: '^feeds/' },
      { path: '^(?!feeds/|ports/|schemas/|node_modules/|[a-z:_/]+$)[a-z]+/' },
    ),
    forbid(
      'sinks-are-adapters',
      { path: '^sinks/' },
      { path: '^(?!sinks/|ports/|schemas/|node_modules/|[a-z:_/]+$)[a-z]+/' },
    ),
    forbid(
      'gateway-speaks-schemas-and-ports',
      { path: '^gateway/' },
      {
        path: '^(?!gateway/|ports/|schemas/|node_modules/|[a-z:_/]+$)[a-z]+/',
      },
    ),
    forbid(
      'only-mains-name-adapters',
      { path: '^topology/', pathNot: '^topology/(main|worker|adapters)\\.ts$' },
      {
        path: `${adapters}|^gateway/`,
      },
    ),
    forbid(
      'nothing-imports-tests',
      { pathNot: '^(test|bench)/|\\.test\\.ts$|contract\\.ts$' },
      { path: '^(test|bench)/|\\.test\\.ts$' },
    ),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(data|web/app|bench/results)' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { extensions: ['.ts', '.mjs', '.js'] },
  },
}
