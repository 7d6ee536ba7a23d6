import type { Broker, Subscription } from '../ports/broker.ts'
import type { CandleStore, TopicIdentity } from '../ports/candle-store.ts'
import type { Clock } from '../ports/clock.ts'
import type { Log } from '../ports/logger.ts'
import { FatalError, FencedError, messageOf, RedwickError, TransientError } from '../schemas/errors.ts'
import type { Interner } from '../schemas/interner.ts'
import type { TopicNames } from '../schemas/topics.ts'
import type { CommitPublisher } from './commit-publisher.ts'
import type { ChannelPosition, EmissionPublisher } from './emission-publisher.ts'
import type { EngineMetrics } from './engine-metrics.ts'
import { createPartitionRunner, type PartitionRunner } from './partition-runner.ts'
import type { SnapshotWriter } from './snapshot-writer.ts'
import { takeOverPartition } from './takeover.ts'
import type { Topology } from './topology.ts'

/** Bounds on taking partitions over. */
export interface OwnershipLimits {
  readonly retryMsMin: number
  readonly retryMsMax: number
  /** A fenced owner waits this long for the group to take the partition away before it takes it back. */
  readonly fencedWaitMs: number
  /** Commits that fail one after another from the same offset: one more is no accident. */
  readonly failuresMax: number
}

/** The partitions that this engine owns: each under one epoch, with its runner. */
export interface Ownership {
  readonly runners: ReadonlyMap<number, PartitionRunner>
  /** Offset that each partition has committed and published. */
  readonly committed: ReadonlyMap<number, number>
  readonly isStoreUp: boolean
  /** Takes partitions over that the group has given. @returns Where to start each. */
  assign(partitions: readonly number[]): Promise<ReadonlyMap<number, number>>
  revoke(partitions: readonly number[]): Promise<void>
  /** Drops what is in memory, and starts again from what is committed. */
  recover(partitions: readonly number[], error: unknown): Promise<void>
  /** The outbox up to this commit is with the topics. */
  published(partition: number, commitNo: number, nextOffset: number): void
  ackedThrough(partition: number): number
}

export interface OwnershipOptions {
  readonly topology: Topology
  readonly identity: TopicIdentity
  readonly broker: Pick<Broker, 'sync'>
  readonly topics: TopicNames
  readonly store: CandleStore
  readonly commits: CommitPublisher
  readonly publisher: EmissionPublisher
  readonly snapshots: SnapshotWriter
  readonly clock: Clock
  readonly log: Log
  readonly metrics: EngineMetrics
  readonly symbols: Interner
  readonly lines: Interner
  /** Seconds. */
  readonly intervals: readonly number[]
  readonly limits: OwnershipLimits
  readonly stopping: AbortSignal
  subscription(): Subscription | undefined
  /** Work that waits for a commit of these partitions waits for nothing now. */
  onDropped(): void
  /** In [0, 1). */
  random(): number
}

/** What may pass, and what a takeover mends. Anything else is a bug or a wrong set-up: it ends the engine. */
function isRecoverable(error: unknown): boolean {
  return error instanceof TransientError || error instanceof FencedError
}

function whyOf(error: unknown): string {
  const why = error instanceof RedwickError ? error.why : ''
  return why === '' ? messageOf(error) : `${messageOf(error)} (${why})`
}

export function createOwnership(options: OwnershipOptions): Ownership {
  const { topology, identity, clock, log, metrics, symbols, snapshots, publisher, commits, limits, stopping } = options
  const assigned = new Set<number>()
  const runners = new Map<number, PartitionRunner>()
  const committed = new Map<number, number>()
  const acked = new Map<number, number>()
  const failures = new Map<number, { offset: number; count: number }>()
  let isUp = true
  let lane: Promise<unknown> = Promise.resolve()

  const dependenciesAre = (up: boolean, why = ''): void => {
    if (isUp && !up) log('warn', 'store or broker is down: intake pauses', { why })
    if (!isUp && up) log('info', 'store and broker are back: intake goes on')
    isUp = up
  }

  const channelsOf = (
    runner: PartitionRunner,
    epochOffset: number,
    lastSeq: number,
    republished: readonly ChannelPosition[],
  ): ChannelPosition[] => {
    const all = new Map<string, ChannelPosition>()
    for (const id of runner.symbols()) {
      const symbol = symbols.name(id)
      for (const interval of options.intervals)
        all.set(`${symbol}|${interval}`, { symbol, interval, e: runner.epoch, q: 0, offset: epochOffset, seq: lastSeq })
    }
    for (const channel of republished) all.set(`${channel.symbol}|${channel.interval}`, { ...channel, seq: lastSeq })
    return [...all.values()]
  }

  /** @returns Where to go on; undefined when the group took the partition away meanwhile. */
  const takeOver = async (partition: number): Promise<number | undefined> => {
    const checkpoint = await takeOverPartition({ ...options, partition, identity })
    if (!assigned.has(partition)) {
      publisher.forget(partition)
      await commits.forget(partition)
      return undefined
    }
    const runner = createPartitionRunner({
      topology,
      topic: identity.topic,
      partitions: identity.partitions,
      checkpoint,
      symbols,
      lines: options.lines,
      onAlarm(name) {
        metrics.alarms.inc({ name })
        if (name === 'conservation_breach') log('error', 'records are not accounted for', { partition })
      },
    })
    runners.set(partition, runner)
    committed.set(partition, checkpoint.nextOffset)
    acked.set(partition, checkpoint.commitNo)
    const { epoch, epochOffset, lastSeq, republished } = checkpoint
    snapshots.note(
      partition,
      epoch,
      Math.max(epochOffset, republished.lastOffset),
      channelsOf(runner, epochOffset, lastSeq, republished.channels),
    )
    log('debug', 'partition taken over', { partition, epoch, offset: checkpoint.nextOffset })
    return checkpoint.nextOffset
  }

  /** Takes over until it works, the partition is gone, or the trouble is one that waiting does not mend. */
  const takeOverPersistently = async (partition: number): Promise<number | undefined> => {
    for (
      let waitMs = limits.retryMsMin;
      assigned.has(partition) && !stopping.aborted;
      waitMs = Math.min(waitMs * 2, limits.retryMsMax)
    ) {
      try {
        const offset = await takeOver(partition)
        dependenciesAre(true)
        return offset
      } catch (error) {
        if (!isRecoverable(error)) throw error
        dependenciesAre(false, whyOf(error))
        await clock.sleep(waitMs * (0.5 + options.random()), stopping)
      }
    }
    return undefined
  }

  /** One takeover at a time: a rebalance and a recovery of one partition must not interleave. */
  const inLane = <T>(task: () => Promise<T>): Promise<T> => {
    const result = lane.then(task)
    lane = result.catch(() => undefined)
    return result
  }

  const drop = (partition: number): void => {
    runners.delete(partition)
    publisher.forget(partition)
    snapshots.forget(partition)
  }

  /** Counts failures from one offset. @throws {FatalError} `CHECKPOINT_REFUSED` when there are too many. */
  const countFailure = (partition: number, error: unknown): void => {
    const offset = committed.get(partition) ?? 0
    const before = failures.get(partition)
    const count = before?.offset === offset ? before.count + 1 : 1
    failures.set(partition, { offset, count })
    const isRefusal = error instanceof TransientError && error.code === 'STORE_REFUSED'
    if (!isRefusal || count <= limits.failuresMax) return
    throw new FatalError({
      code: 'CHECKPOINT_REFUSED',
      message: `the store refuses what follows offset ${offset} of ${identity.topic}/${partition}`,
      why: whyOf(error),
      hint: 'nothing was lost: look at the records there, mend the store, and start again',
      cause: error,
    })
  }

  return {
    runners,
    committed,
    get isStoreUp() {
      return isUp
    },
    async assign(partitions) {
      for (const partition of partitions) assigned.add(partition)
      const offsets = new Map<number, number>()
      for (const partition of partitions) {
        const offset = await inLane(() => takeOverPersistently(partition))
        if (offset !== undefined) offsets.set(partition, offset)
      }
      log('info', 'partitions assigned', { partitions, offsets: Object.fromEntries(offsets) })
      return offsets
    },
    async revoke(partitions) {
      for (const partition of partitions) {
        assigned.delete(partition)
        drop(partition)
        committed.delete(partition)
      }
      await Promise.all(partitions.map((partition) => commits.forget(partition)))
    },
    async recover(partitions, error) {
      if (!isRecoverable(error)) throw error
      log('warn', 'checkpoint failed: state is dropped and taken over again', { partitions, why: whyOf(error) })
      metrics.recoveries.inc()
      const mine = partitions.filter((partition) => runners.has(partition))
      for (const partition of mine) drop(partition)
      options.subscription()?.pause(mine)
      options.onDropped()
      for (const partition of mine) countFailure(partition, error)
      // Who fenced us may be the rightful owner: the group will say so.
      if (error instanceof FencedError) await clock.sleep(limits.fencedWaitMs, stopping)
      for (const partition of mine) {
        const offset = await inLane(async () => (runners.has(partition) ? undefined : takeOverPersistently(partition)))
        if (offset === undefined) continue
        options.subscription()?.seek(partition, offset)
        options.subscription()?.resume([partition])
      }
    },
    published(partition, commitNo, nextOffset) {
      acked.set(partition, commitNo)
      committed.set(partition, nextOffset)
      failures.delete(partition)
    },
    ackedThrough: (partition) => acked.get(partition) ?? 0,
  }
}
