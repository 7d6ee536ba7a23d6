import type { Clock } from '../ports/clock.ts'
import type { Engine } from './engine.ts'

/** An engine wherever it runs: in this thread or another. */
export type EngineHost = Pick<Engine, 'start' | 'committed' | 'processed' | 'checkpointNow' | 'stop' | 'failed'>

const pollMs = 20
const checkpointMsMax = 1000

function unionOf(maps: readonly ReadonlyMap<number, number>[]): ReadonlyMap<number, number> {
  const all = new Map<number, number>()
  for (const map of maps)
    for (const [partition, offset] of map) all.set(partition, Math.max(offset, all.get(partition) ?? 0))
  return all
}

function isThrough(offsets: ReadonlyMap<number, number>, targets: ReadonlyMap<number, number>): boolean {
  return [...targets].every(([partition, offset]) => (offsets.get(partition) ?? -1) >= offset)
}

/** Resolves when the engines together have committed and published everything below these offsets, or on abort. */
export async function committedThrough(
  engines: readonly EngineHost[],
  targets: ReadonlyMap<number, number>,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted && !isThrough(unionOf(engines.map((engine) => engine.committed())), targets)) {
    if (isThrough(unionOf(engines.map((engine) => engine.processed())), targets)) {
      const all = Promise.all(engines.map((engine) => engine.checkpointNow()))
      await Promise.race([all, clock.sleep(checkpointMsMax, signal)])
    } else await clock.sleep(pollMs, signal)
  }
}
