// The import arrows of the design: they point inward, and adapters never see each other. Tests may look anywhere.
const test = '\\.test\\.ts$|contract\\.ts$|/testing/'
const adapters = '^(broker|registry|feeds|sinks)/'
const platform = 'node_modules/|[a-z:_/]+$'

const forbid = (name, from, to) => ({ name, severity: 'error', from, to })

/** `folder` may import itself, what is named, and packages. */
const only = (folder, allowed) =>
  forbid(
    `${folder.replaceAll('/', '-')}-sees-${allowed.length === 0 ? 'nothing-of-ours' : allowed.map((name) => name.replaceAll('/', '-')).join('-and-')}`,
    { path: `^${folder}/`, pathNot: test },
    { path: `^(?!${[folder, ...allowed].map((name) => `${name}/`).join('|')}|${platform})[a-z]+/` },
  )

export default {
  forbidden: [
    forbid('no-circular', {}, { circular: true }),
    only('schemas', []),
    only('ports', ['schemas']),
    only('processors/core', ['schemas']),
    only('processors/operators', ['processors', 'schemas']),
    only('broker', ['ports', 'schemas']),
    only('registry', ['ports', 'schemas']),
    only('feeds', ['ports', 'schemas']),
    only('sinks', ['ports', 'schemas']),
    only('gateway', ['ports', 'schemas']),
    forbid('core-has-no-platform', { path: '^processors/core/', pathNot: test }, { dependencyTypes: ['core', 'npm'] }),
    forbid(
      'only-the-composition-root-names-adapters',
      { path: '^topology/', pathNot: `^topology/(main|worker|adapters|feed-role|gateway-role)\\.ts$|${test}` },
      { path: `${adapters}|^gateway/` },
    ),
    forbid(
      'nothing-imports-tests',
      { pathNot: `^(test|bench|cli)/|${test}` },
      { path: `^(test|bench)/|\\.test\\.ts$` },
    ),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(data|web/app|bench/results|\\.cache)' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { extensions: ['.ts', '.mjs', '.js'] },
  },
}
