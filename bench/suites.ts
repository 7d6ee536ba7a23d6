import type { Suite } from './outcome.ts'

/** Every bench by name, in the order of `all`; loaded when it runs. */
export const suites: ReadonlyMap<string, () => Promise<Suite>> = new Map([
  ['core', async () => (await import('./core.ts')).core],
  ['decode', async () => (await import('./decode.ts')).decode],
  ['late', async () => (await import('./late.ts')).late],
  ['records', async () => (await import('./records.ts')).records],
  ['store', async () => (await import('./store.ts')).store],
  ['gateway', async () => (await import('./gateway.ts')).gateway],
  ['api', async () => (await import('./api.ts')).api],
  ['end-to-end', async () => (await import('./end-to-end.ts')).endToEnd],
  ['consume', async () => (await import('./consume.ts')).consume],
  ['memory', async () => (await import('./memory.ts')).memory],
  ['startup', async () => (await import('./startup.ts')).startup],
  ['sweep', async () => (await import('./sweep.ts')).sweep],
  ['workers', async () => (await import('./workers.ts')).workers],
  ['latency', async () => (await import('./latency.ts')).latency],
  ['engines', async () => (await import('./engines.ts')).enginesOf('at-least-once', 'engines')],
  [
    'engines-exactly-once',
    async () => (await import('./engines.ts')).enginesOf('exactly-once', 'engines-exactly-once'),
  ],
  ['peers', async () => (await import('./peers.ts')).peers],
])
