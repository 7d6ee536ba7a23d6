import type { Admin } from '../ports/broker.ts'
import type { CandleStore, PartitionPosition } from '../ports/candle-store.ts'
import type { Clock } from '../ports/clock.ts'
import { inTime } from '../ports/in-time.ts'
import { FatalError, TransientError } from '../schemas/errors.ts'
import type { Engine } from './engine.ts'

/** An engine wherever it runs: in this thread or another. */
export type EngineHost = Pick<
  Engine,
  'start' | 'assigned' | 'committed' | 'processed' | 'standing' | 'checkpointNow' | 'stop' | 'failed'
>

const pollMs = 20
const checkpointMsMax = 1000
/** Between looks whether a broker is back, and at what other processes have committed. */
const downMs = 500
/** A partition that the group has given to none of the engines for so long has a live owner elsewhere: a session is 6 s. */
const elsewhereMs = 10_000
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

interface SettledOptions {
  readonly admin: Pick<Admin, 'offsets'>
  readonly topic: string
  /** Other processes may have partitions: what they commit of this stage stands here. Without it all are waited for here. */
  readonly others?: { readonly store: Pick<CandleStore, 'positions'>; readonly stage: string }
}

/** Asks until it is answered; undefined on abort. */
async function persistently<T>(clock: Clock, signal: AbortSignal, ask: () => Promise<T>): Promise<T | undefined> {
  while (!signal.aborted) {
    try {
      return await ask()
    } catch (error) {
      if (!(error instanceof TransientError)) throw error
      await clock.sleep(downMs, signal)
    }
  }
  return undefined
}

/**
 * Resolves when what the topic holds when it is asked is committed and published by the engines together, or committed by
 * other processes, or on abort. Partitions that stand still are not waited for; a service that is down is, as the engines do.
 */
export async function settled(
  engines: readonly EngineHost[],
  { admin, topic, others }: SettledOptions,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  const ends = await persistently(clock, signal, () => admin.offsets(topic))
  if (ends === undefined) return
  const targets = new Map([...ends].map(([partition, { latest }]) => [partition, latest]))
  const elsewhere = others && (() => persistently(clock, signal, () => others.store.positions(others.stage)))
  await committedThrough(engines, targets, clock, signal, elsewhere)
}

/**
 * Resolves when the engines together have committed and published everything below these offsets, or on abort.
 * Partitions that stand still are not waited for.
 *
 * @param elsewhere What the store has of each partition: believed of one that none of the engines has had for `elsewhereMs`.
 *   Default: each is waited for.
 */
export async function committedThrough(
  engines: readonly EngineHost[],
  targets: ReadonlyMap<number, number>,
  clock: Clock,
  signal: AbortSignal,
  elsewhere?: () => Promise<readonly PartitionPosition[] | undefined>,
): Promise<void> {
  const startedAt = clock.monotonic()
  const assignedAt = new Map<number, number>()
  while (!signal.aborted) {
    const now = clock.monotonic()
    for (const engine of engines) for (const partition of engine.assigned()) assignedAt.set(partition, now)
    const isElsewhere = (partition: number): boolean =>
      elsewhere !== undefined && now - (assignedAt.get(partition) ?? startedAt) >= elsewhereMs
    const standing = standingOf(engines)
    const committed = unionOf(engines.map((engine) => engine.committed()))
    const awaited = [...targets].filter(([partition]) => !standing.has(partition))
    const ours = new Map(awaited.filter(([partition]) => !isElsewhere(partition)))
    const theirs = new Map(awaited.filter(([partition]) => isElsewhere(partition)))
    if (isThrough(committed, ours)) {
      if (theirs.size === 0 || isThrough(positionsOf(await elsewhere?.()), theirs)) return
      await clock.sleep(downMs, signal)
    } else if (isThrough(unionOf(engines.map((engine) => engine.processed())), ours)) {
      const all = Promise.all(engines.map((engine) => engine.checkpointNow()))
      await Promise.race([all, clock.sleep(checkpointMsMax, signal)])
    } else await clock.sleep(pollMs, signal)
  }
}

function positionsOf(stored: readonly PartitionPosition[] = []): ReadonlyMap<number, number> {
  return new Map(stored.map(({ partition, nextOffset }) => [partition, nextOffset]))
}
