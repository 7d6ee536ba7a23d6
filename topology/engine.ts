import type { Broker, ColumnHandler, Subscription } from '../ports/broker.ts'
import type { CandleStore } from '../ports/candle-store.ts'
import type { Clock } from '../ports/clock.ts'
import type { Log } from '../ports/logger.ts'
import type { Snapshot } from '../ports/snapshot.ts'
import { candleOf } from '../processors/core/candle-rows.ts'
import type { Emission } from '../schemas/candle.ts'
import type { ColumnBatch } from '../schemas/columns.ts'
import { FatalError, messageOf } from '../schemas/errors.ts'
import type { Interner } from '../schemas/interner.ts'
import type { TickDecoder } from '../schemas/tick-decoder.ts'
import type { TopicNames } from '../schemas/topics.ts'
import { createCommitPublisher } from './commit-publisher.ts'
import { createEmissionPublisher } from './emission-publisher.ts'
import type { EngineMetrics } from './engine-metrics.ts'
import { createPartitionRunner, type PartitionRunner, type PreparedCommit } from './partition-runner.ts'
import { createSnapshotWriter } from './snapshot-writer.ts'
import { takeOverPartition } from './takeover.ts'
import type { Topology } from './topology.ts'

/** Bounds and cadences of an engine. */
export interface EngineLimits {
  /** Least and greatest time between commits; in between, committing takes at most half of the time. */
  readonly commitEveryMs: number
  readonly commitEveryMsMax: number
  readonly emitEveryMs: number
  /** Dead letters and late ranges that may wait for a commit before the partition's intake waits for it. */
  readonly pendingMax: number
  /** Records that may be processed and not committed. */
  readonly uncommittedMax: number
  readonly retryMsMin: number
  readonly retryMsMax: number
}

export const defaultLimits: EngineLimits = {
  commitEveryMs: 1000,
  commitEveryMsMax: 5000,
  emitEveryMs: 100,
  pendingMax: 10_000,
  uncommittedMax: 4_000_000,
  retryMsMin: 100,
  retryMsMax: 5000,
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
}

/** Runs a topology as one member of its consumer group. */
export interface Engine {
  start(): Promise<void>
  /** Resolves when everything below these offsets is committed and published. */
  committedThrough(targets: ReadonlyMap<number, number>): Promise<void>
  /** Commits and publishes what there is, leaves the group. */
  stop(): Promise<void>
  /** Rejects when the engine cannot go on; never resolves. */
  readonly failed: Promise<never>
  readonly isStoreUp: boolean
  readonly isSnapshotUp: boolean
}

export function createEngine(options: EngineOptions): Engine {
  const { topology, topics, broker, store, snapshot, clock, log, metrics, symbols } = options
  const limits: EngineLimits = { ...defaultLimits, ...options.limits }
  const runners = new Map<number, PartitionRunner>()
  const committed = new Map<number, number>()
  const ackedThrough = new Map<number, number>()
  const stopping = new AbortController()
  let subscription: Subscription | undefined
  let publisher: ReturnType<typeof createEmissionPublisher> | undefined
  let identity: { topic: string; topicId: string | null; partitions: number } | undefined
  let isStoreUp = true
  let wake = new AbortController()
  const waiters: (() => void)[] = []
  let loop: Promise<void> | undefined
  const cancels: (() => void)[] = []
  let fail: (error: unknown) => void = () => undefined
  const failed = new Promise<never>((_, reject) => {
    fail = reject
  })
  failed.catch(() => undefined)

  const commits = createCommitPublisher({
    broker,
    topics,
    idPrefix: `redwick-${topics.ticks}-${topology.name}`,
    encode: options.encodeEmission,
  })
  const snapshots = createSnapshotWriter({
    snapshot,
    log,
    open: (partition, symbol, interval) => runners.get(partition)?.open(symbols.internName(symbol), interval),
  })

  const storeIs = (up: boolean, why = ''): void => {
    if (isStoreUp && !up) log('warn', 'store is down: intake pauses', { why })
    if (!isStoreUp && up) log('info', 'store is back: intake goes on')
    isStoreUp = up
  }

  /** Takes one partition over; makes its runner. @returns The offset to go on from. */
  const takeOver = async (partition: number): Promise<number> => {
    if (identity === undefined || publisher === undefined)
      throw new FatalError({ code: 'NOT_STARTED', message: 'the engine has not started' })
    const checkpoint = await takeOverPartition({
      partition,
      identity,
      topology,
      store,
      commits,
      publisher,
      snapshots,
      clock,
    })
    const runner = createPartitionRunner({
      topology,
      topic: topics.ticks,
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
    ackedThrough.set(partition, checkpoint.commitNo)
    const channels = runner.symbols().flatMap((symbol) =>
      options.intervals.map((interval) => ({
        symbol: symbols.name(symbol),
        interval,
        e: checkpoint.epoch,
        q: 0,
        offset: checkpoint.epochOffset,
        seq: checkpoint.lastSeq,
      })),
    )
    snapshots.note(partition, checkpoint.epoch, checkpoint.epochOffset, channels)
    log('debug', 'partition taken over', { partition, epoch: checkpoint.epoch, offset: checkpoint.nextOffset })
    return checkpoint.nextOffset
  }

  /** Takes over until it works, or the engine stops, or the trouble is one that waiting does not mend. */
  const takeOverPersistently = async (partition: number): Promise<number | undefined> => {
    for (let waitMs = limits.retryMsMin; !stopping.signal.aborted; waitMs = Math.min(waitMs * 2, limits.retryMsMax)) {
      try {
        const offset = await takeOver(partition)
        storeIs(true)
        return offset
      } catch (error) {
        if (error instanceof FatalError) throw error
        storeIs(false, messageOf(error))
        await clock.sleep(waitMs, stopping.signal)
      }
    }
    return undefined
  }

  const drop = (partition: number): void => {
    runners.delete(partition)
    publisher?.forget(partition)
    snapshots.forget(partition)
  }

  /** After any failed commit or publication: drops what is in memory, and starts again from what is committed. */
  const recover = async (partitions: readonly number[], error: unknown): Promise<void> => {
    log('warn', 'checkpoint failed: state is dropped and taken over again', { partitions, why: messageOf(error) })
    metrics.recoveries.inc()
    const mine = partitions.filter((partition) => runners.has(partition))
    for (const partition of mine) drop(partition)
    subscription?.pause(mine)
    for (const partition of mine) {
      const offset = await takeOverPersistently(partition)
      if (offset === undefined) return
      subscription?.seek(partition, offset)
    }
    subscription?.resume(mine)
  }

  const publish = async ({ commit, finals, deadLetters, counts }: PreparedCommit): Promise<void> => {
    const { partition, epoch, nextOffset, commitNo } = commit
    await commits.publish(partition, epoch, { finals, deadLetters })
    const sent = await publisher?.publish(partition, finals)
    const runner = runners.get(partition)
    if (runner?.epoch !== epoch) return
    runner.settled()
    if (sent !== undefined && sent.channels.length > 0) snapshots.note(partition, epoch, sent.lastOffset, sent.channels)
    ackedThrough.set(partition, commitNo)
    committed.set(partition, nextOffset)
    metrics.committed(partition, nextOffset, counts, finals.length, deadLetters)
    for (const letter of deadLetters.slice(0, 3)) {
      const where = letter.source === '' ? `${letter.topic}/${letter.partition}@${letter.offset}` : letter.source
      log('warn', `dead letter ${letter.reason} at ${where}: ${letter.detail}`)
    }
    if (deadLetters.length > 3) log('warn', `${deadLetters.length - 3} more dead letters in this commit`, { partition })
  }

  /** One checkpoint of every partition that has news. */
  const checkpoint = async (): Promise<void> => {
    const due = [...runners.values()].filter((runner) => runner.hasNews).sort((a, b) => a.partition - b.partition)
    if (due.length === 0) return
    const partitions = due.map((runner) => runner.partition)
    const started = clock.monotonic()
    try {
      const prepared = due.map((runner) => runner.prepare(ackedThrough.get(runner.partition) ?? 0))
      await broker.sync(topics.ticks)
      await store.commit({
        topology: topology.name,
        topic: topics.ticks,
        partitions: prepared.map(({ commit }) => commit),
      })
      storeIs(true)
      metrics.checkpointSeconds.observe((clock.monotonic() - started) / 1000)
      for (const one of prepared) await publish(one)
      await broker.sync(topics.candles)
    } catch (error) {
      if (error instanceof FatalError) throw error
      await recover(partitions, error)
      return
    }
    const offsets = new Map(partitions.map((partition) => [partition, committed.get(partition) ?? 0]))
    broker.retainFrom(topics.ticks, new Map(committed))
    await subscription?.commitOffsets(offsets).catch((error: unknown) => {
      log('debug', 'group offsets were not stored', { why: messageOf(error) })
    })
  }

  const releaseWaiters = (): void => {
    for (const waiter of waiters.splice(0)) waiter()
  }

  const commitLoop = async (): Promise<void> => {
    let waitMs = limits.commitEveryMs
    while (!stopping.signal.aborted) {
      await clock.sleep(waitMs, AbortSignal.any([wake.signal, stopping.signal]))
      wake = new AbortController()
      if (stopping.signal.aborted) return
      const started = clock.monotonic()
      await checkpoint().finally(releaseWaiters)
      waitMs = Math.min(Math.max(limits.commitEveryMs, clock.monotonic() - started), limits.commitEveryMsMax)
    }
  }

  /** Sends the updates of open candles that changed since the last time; skipped while a send is under way. */
  const pulse = (): void => {
    if (publisher === undefined || publisher.isBusy) return
    for (const runner of runners.values()) {
      const rows = runner.pulse()
      if (rows.length === 0) continue
      const emissions = Array.from({ length: rows.length }, (_, i) => ({
        kind: 'update' as const,
        candle: candleOf(rows, i, symbols.name(rows.symbol[i] ?? 0)),
      }))
      publisher
        .publish(runner.partition, emissions)
        .then((sent) => {
          if (runners.get(runner.partition) === runner)
            snapshots.note(runner.partition, runner.epoch, sent.lastOffset, sent.channels)
        })
        .catch((error: unknown) => recover([runner.partition], error).catch(fail))
    }
    snapshots.flush().catch(fail)
  }

  const committedNow = (): Promise<void> =>
    new Promise((resolve) => {
      waiters.push(resolve)
      wake.abort()
    })

  const handler: ColumnHandler = {
    async assigned(partitions) {
      const offsets = new Map<number, number>()
      for (const partition of partitions) {
        const offset = await takeOverPersistently(partition)
        if (offset !== undefined) offsets.set(partition, offset)
      }
      log('info', 'partitions assigned', { partitions, offsets: Object.fromEntries(offsets) })
      return offsets
    },
    batch(batch: ColumnBatch) {
      const runner = runners.get(batch.partition)
      if (runner === undefined) return undefined
      runner.process(batch)
      const uncommitted = runner.nextOffset - (committed.get(batch.partition) ?? 0)
      if (runner.pending < limits.pendingMax && uncommitted < limits.uncommittedMax) return undefined
      return committedNow()
    },
    revoked(partitions) {
      for (const partition of partitions) drop(partition)
      releaseWaiters()
      return Promise.all(partitions.map((partition) => commits.forget(partition))).then(() => undefined)
    },
    failed: (error) => fail(error),
  }

  return {
    async start() {
      const description = await broker.admin.describeTopic(topics.ticks)
      if (description === undefined)
        throw new FatalError({
          code: 'NO_TOPIC',
          message: `there is no topic ${topics.ticks}`,
          hint: 'start a feed first',
        })
      identity = { topic: topics.ticks, topicId: description.topicId, partitions: description.partitions }
      const { encodeEmission: encode, encodeEpoch } = options
      publisher = createEmissionPublisher({
        producer: await broker.createProducer(),
        topic: topics.candlesLive,
        encode,
        encodeEpoch,
      })
      subscription = await broker.subscribe({
        topic: topics.ticks,
        groupId: options.groupId,
        decoder: options.decoder,
        handler,
      })
      cancels.push(clock.every(limits.emitEveryMs, pulse))
      loop = commitLoop().catch(fail)
    },
    async committedThrough(targets) {
      const isReached = (): boolean =>
        [...targets].every(([partition, offset]) => (committed.get(partition) ?? 0) >= offset)
      const isProcessed = (): boolean =>
        [...targets].every(([partition, offset]) => (runners.get(partition)?.nextOffset ?? 0) >= offset)
      while (!isReached() && !stopping.signal.aborted) {
        if (isProcessed()) await Promise.race([committedNow(), clock.sleep(limits.commitEveryMs, stopping.signal)])
        else await clock.sleep(20, stopping.signal)
      }
    },
    async stop() {
      if (stopping.signal.aborted) return
      for (const cancel of cancels) cancel()
      subscription?.pause([...runners.keys()])
      stopping.abort()
      await loop
      await checkpoint()
      await snapshots.flush()
      await subscription?.close()
      await commits.close()
      releaseWaiters()
    },
    failed,
    get isStoreUp() {
      return isStoreUp
    },
    get isSnapshotUp() {
      return snapshots.isUp
    },
  }
}
