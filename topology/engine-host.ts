import type { Admin } from '../ports/broker.ts'
import type { Clock } from '../ports/clock.ts'
import { inTime } from '../ports/in-time.ts'
import { FatalError, TransientError } from '../schemas/errors.ts'
import type { Engine } from './engine.ts'

/** An engine wherever it runs: in this thread or another. */
export type EngineHost = Pick<
  Engine,
  'start' | 'committed' | 'processed' | 'standing' | 'checkpointNow' | 'stop' | 'failed'
>

const pollMs = 20
const checkpointMsMax = 1000
/** Between looks whether a broker is back. */
const downMs = 500
/** A start waits for its group, and for a broker that may be gone: once a stop is asked for, no longer than this. */
const startMsMax = 3_000

function unionOf(maps: readonly ReadonlyMap<number, number>[]): ReadonlyMap<number, number> {
  const all = new Map<number, number>()
  for (const map of maps)
    for (const [partition, offset] of map) all.set(partition, Math.max(offset, all.get(partition) ?? 0))
  return all
}

function isThrough(offsets: ReadonlyMap<number, number>, targets: ReadonlyMap<number, number>): boolean {
  return [...targets].every(([partition, offset]) => (offsets.get(partition) ?? -1) >= offset)
}

/** Resolves when a stop is asked for. */
export function stopAsked(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
}

/** Resolves when the start is done, or is not waited for any more because a stop was asked for. */
export async function startedOrStopped(clock: Clock, start: Promise<unknown>, stopped: Promise<void>): Promise<void> {
  await Promise.race([start, stopped.then(() => inTime(clock, startMsMax, start))])
}

/** Partitions that stand still in one of the engines. */
export function standingOf(engines: readonly Pick<EngineHost, 'standing'>[]): ReadonlySet<number> {
  return new Set(engines.flatMap((engine) => [...engine.standing()]))
}

/** @throws {FatalError} `PARTITION_PAUSED`, where a partition stands still: not everything is committed. */
export function requireMoving(engines: readonly Pick<EngineHost, 'standing'>[]): void {
  const standing = [...standingOf(engines)]
  if (standing.length === 0) return
  throw new FatalError({
    code: 'PARTITION_PAUSED',
    message: `partition ${standing.join(', ')} stands still: not everything is committed`,
    why: 'a step threw there; an error before this one names the record',
    hint: 'nothing was lost: mend the step, and start again',
  })
}

/**
 * Resolves when the engines together have committed and published what the topic holds when it is asked, or on abort.
 * Partitions that stand still are not waited for; a broker that is down is, as the engines do.
 */
export async function settled(
  engines: readonly EngineHost[],
  { admin, topic }: { readonly admin: Pick<Admin, 'offsets'>; readonly topic: string },
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    try {
      const ends = await admin.offsets(topic)
      const targets = new Map([...ends].map(([partition, { latest }]) => [partition, latest]))
      return await committedThrough(engines, targets, clock, signal)
    } catch (error) {
      if (!(error instanceof TransientError)) throw error
      await clock.sleep(downMs, signal)
    }
  }
}

/**
 * Resolves when the engines together have committed and published everything below these offsets, or on abort.
 * Partitions that stand still are not waited for.
 */
export async function committedThrough(
  engines: readonly EngineHost[],
  targets: ReadonlyMap<number, number>,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    const standing = standingOf(engines)
    const awaited = new Map([...targets].filter(([partition]) => !standing.has(partition)))
    if (signal.aborted || isThrough(unionOf(engines.map((engine) => engine.committed())), awaited)) return
    if (isThrough(unionOf(engines.map((engine) => engine.processed())), awaited)) {
      const all = Promise.all(engines.map((engine) => engine.checkpointNow()))
      await Promise.race([all, clock.sleep(checkpointMsMax, signal)])
    } else await clock.sleep(pollMs, signal)
  }
}
