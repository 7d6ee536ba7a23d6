import type { Broker, ColumnHandler, Subscription } from '../ports/broker.ts'
import type { CandleStore } from '../ports/candle-store.ts'
import type { Clock } from '../ports/clock.ts'
import type { Log } from '../ports/logger.ts'
import type { Snapshot } from '../ports/snapshot.ts'
import { candleOf } from '../processors/core/candle-rows.ts'
import type { Emission } from '../schemas/candle.ts'
import { FatalError, messageOf } from '../schemas/errors.ts'
import type { Interner } from '../schemas/interner.ts'
import type { TickDecoder } from '../schemas/tick-decoder.ts'
import type { TopicNames } from '../schemas/topics.ts'
import { type Checkpointer, createCheckpointer } from './checkpointer.ts'
import { createCommitPublisher } from './commit-publisher.ts'
import { createEmissionPublisher, type EmissionPublisher } from './emission-publisher.ts'
import type { EngineMetrics } from './engine-metrics.ts'
import { createOwnership, type Ownership, type OwnershipLimits } from './ownership.ts'
import { createSnapshotWriter } from './snapshot-writer.ts'
import { emitEveryMsOf, type Topology } from './topology.ts'

/** Bounds and cadences of an engine. */
export interface EngineLimits extends OwnershipLimits {
  /** Least and greatest time between commits; in between, committing takes at most half of the time. */
  readonly commitEveryMs: number
  readonly commitEveryMsMax: number
  /** Dead letters and late ranges that may wait for a commit before the partition's intake waits for it. */
  readonly pendingMax: number
  /** Records that may be processed and not committed. */
  readonly uncommittedMax: number
}

const defaultLimits: EngineLimits = {
  commitEveryMs: 1000,
  commitEveryMsMax: 5000,
  pendingMax: 10_000,
  uncommittedMax: 4_000_000,
  retryMsMin: 100,
  retryMsMax: 5000,
  fencedWaitMs: 7000,
  failuresMax: 5,
}

export interface EngineOptions {
  readonly topology: Topology
  readonly topics: TopicNames
  readonly groupId: string
  readonly broker: Broker
  readonly store: CandleStore
  readonly snapshot: Snapshot
  readonly clock: Clock
  readonly log: Log
  readonly metrics: EngineMetrics
  readonly decoder: TickDecoder
  readonly symbols: Interner
  readonly lines: Interner
  encodeEmission(emission: Emission): Uint8Array
  encodeEpoch(e: number): Uint8Array
  /** Seconds. */
  readonly intervals: readonly number[]
  readonly limits?: Partial<EngineLimits>
  /** In [0, 1); default `Math.random`. */
  random?(): number
}

/** Runs a topology as one member of its consumer group. */
export interface Engine {
  start(): Promise<void>
  /** Offset that each of its partitions has committed and published. */
  committed(): ReadonlyMap<number, number>
  /** Offset that each of its partitions has processed. */
  processed(): ReadonlyMap<number, number>
  /** Resolves after the next checkpoint, which comes at once. */
  checkpointNow(): Promise<void>
  /** Commits and publishes what there is, leaves the group. */
  stop(): Promise<void>
  /** Rejects when the engine cannot go on; never resolves. */
  readonly failed: Promise<never>
}

export function createEngine(options: EngineOptions): Engine {
  const { topology, topics, broker, snapshot, clock, log, symbols } = options
  const limits: EngineLimits = { ...defaultLimits, ...options.limits }
  const stopping = new AbortController()
  let running: Running | undefined
  let wake = new AbortController()
  const waiters: (() => void)[] = []
  let fail: (error: unknown) => void = () => undefined
  const failed = new Promise<never>((_, reject) => {
    fail = reject
  })
  failed.catch(() => undefined)

  interface Running {
    readonly subscription: Subscription
    readonly ownership: Ownership
    readonly checkpointer: Checkpointer
    readonly loop: Promise<void>
    readonly cancelPulse: () => void
    release(): Promise<void>
  }

  const releaseWaiters = (): void => {
    for (const waiter of waiters.splice(0)) waiter()
  }
  const checkpointed = (): Promise<void> =>
    new Promise((resolve) => {
      waiters.push(resolve)
      wake.abort()
    })

  const commitLoop = async (checkpointer: Checkpointer): Promise<void> => {
    let waitMs = limits.commitEveryMs
    while (!stopping.signal.aborted) {
      await clock.sleep(waitMs, AbortSignal.any([wake.signal, stopping.signal]))
      wake = new AbortController()
      if (stopping.signal.aborted) return
      const started = clock.monotonic()
      await checkpointer.run().finally(releaseWaiters)
      waitMs = Math.min(Math.max(limits.commitEveryMs, clock.monotonic() - started), limits.commitEveryMsMax)
    }
  }

  const makePulse =
    (ownership: Ownership, publisher: EmissionPublisher, snapshots: ReturnType<typeof createSnapshotWriter>) =>
    (): void => {
      // Updates are better left to grow while a send is under way: the latest wins.
      if (publisher.isBusy) return
      for (const runner of ownership.runners.values()) {
        const rows = runner.pulse()
        if (rows.length === 0) continue
        const { partition, epoch } = runner
        const emissions = Array.from({ length: rows.length }, (_, i) => ({
          kind: 'update' as const,
          candle: candleOf(rows, i, symbols.name(rows.symbol[i] ?? 0)),
        }))
        publisher
          .publish(partition, emissions)
          .then((sent) => {
            if (ownership.runners.get(partition) === runner)
              snapshots.note(partition, epoch, sent.lastOffset, sent.channels)
          })
          .catch((error: unknown) => ownership.recover([partition], error).catch(fail))
      }
      snapshots.flush().catch(fail)
    }

  const makeHandler = (ownership: Ownership): ColumnHandler => ({
    assigned: (partitions) => ownership.assign(partitions),
    batch(batch) {
      const runner = ownership.runners.get(batch.partition)
      if (runner === undefined) return undefined
      runner.process(batch)
      const uncommitted = runner.nextOffset - (ownership.committed.get(batch.partition) ?? 0)
      if (runner.pending < limits.pendingMax && uncommitted < limits.uncommittedMax) return undefined
      return checkpointed()
    },
    async revoked(partitions) {
      releaseWaiters()
      await ownership.revoke(partitions)
    },
    failed: (error) => fail(error),
  })

  const start = async (): Promise<Running> => {
    const description = await broker.admin.describeTopic(topics.ticks)
    if (description === undefined)
      throw new FatalError({
        code: 'NO_TOPIC',
        message: `there is no topic ${topics.ticks}`,
        hint: 'start a feed first',
      })
    const identity = { topic: topics.ticks, topicId: description.topicId, partitions: description.partitions }
    const { encodeEmission: encode, encodeEpoch } = options
    const producer = await broker.createProducer()
    const publisher = createEmissionPublisher({ producer, topic: topics.candlesLive, encode, encodeEpoch })
    const commits = createCommitPublisher({
      broker,
      topics,
      idPrefix: `redwick-${topics.ticks}-${topology.name}`,
      encode,
    })
    let subscription: Subscription | undefined
    const snapshots = createSnapshotWriter({
      snapshot,
      log,
      clock,
      open: (partition, symbol, interval) =>
        ownership.runners.get(partition)?.open(symbols.internName(symbol), interval),
    })
    const ownership: Ownership = createOwnership({
      ...options,
      identity,
      commits,
      publisher,
      snapshots,
      limits,
      stopping: stopping.signal,
      subscription: () => subscription,
      onDropped: releaseWaiters,
      random: options.random ?? Math.random,
    })
    const checkpointer = createCheckpointer({
      ...options,
      ownership,
      commits,
      publisher,
      snapshots,
      subscription: () => subscription,
    })
    subscription = await broker.subscribe({
      topic: topics.ticks,
      groupId: options.groupId,
      decoder: options.decoder,
      handler: makeHandler(ownership),
    })
    return {
      subscription,
      ownership,
      checkpointer,
      cancelPulse: clock.every(emitEveryMsOf(topology), makePulse(ownership, publisher, snapshots)),
      loop: commitLoop(checkpointer).catch(fail),
      async release() {
        await snapshots.flush()
        await commits.close()
        await producer.close()
      },
    }
  }

  return {
    async start() {
      running = await start()
    },
    committed: () => running?.ownership.committed ?? new Map<number, number>(),
    processed: () =>
      new Map([...(running?.ownership.runners ?? [])].map(([partition, runner]) => [partition, runner.nextOffset])),
    checkpointNow: checkpointed,
    async stop() {
      if (stopping.signal.aborted || running === undefined) return
      const { subscription, ownership, checkpointer, loop, cancelPulse, release } = running
      cancelPulse()
      subscription.pause([...ownership.runners.keys()])
      stopping.abort()
      await loop
      await checkpointer
        .run()
        .catch((error: unknown) => log('warn', 'the last checkpoint failed', { why: messageOf(error) }))
      releaseWaiters()
      await subscription.close()
      await release()
    },
    failed,
  }
}
