import type { Broker } from '../ports/broker.ts'
import type { CandleStore, PartitionCheckpoint } from '../ports/candle-store.ts'
import type { Clock } from '../ports/clock.ts'
import type { Log } from '../ports/logger.ts'
import type { Snapshot } from '../ports/snapshot.ts'
import type { PulseLimit } from '../processors/core/stream-element.ts'
import type { Emission } from '../schemas/candle.ts'
import type { CandleColumns } from '../schemas/candle-columns.ts'
import type { ColumnBatch, TickDecoder } from '../schemas/columns.ts'
import type { FramedDecoder } from '../schemas/framed-decoder.ts'
import type { HistorySegment } from '../schemas/history.ts'
import type { Interner } from '../schemas/interner.ts'
import type { TopicNames } from '../schemas/topics.ts'
import { emitEveryMsOf, type Topology } from './candle-topology.ts'
import { createCommitPublisher } from './commit-publisher.ts'
import { createEmissionPublisher } from './emission-publisher.ts'
import { createHeldReplay } from './held-replay.ts'
import { createHistoryReader } from './history-reader.ts'
import { namedCandles } from './named-candles.ts'
import { unpackOutbox } from './outbox.ts'
import { createPartitionRunner, type PartitionRunner, type PreparedCandles } from './partition-runner.ts'
import { createSnapshotWriter } from './snapshot-writer.ts'
import type { Stage, StageHost, StageOutput, Suspect } from './stage.ts'

/** Symbols of a partition whose updates are sent at once: with seven intervals, one request of the Kafka client. */
const pulseKeysMax = 64

export interface CandleStageOptions {
  readonly topology: Topology
  readonly topics: TopicNames
  readonly groupId: string
  readonly broker: Broker
  readonly store: Pick<CandleStore, 'candles'>
  readonly snapshot: Snapshot
  readonly clock: Clock
  readonly log: Log
  /** A decoder with these tables of symbols and lines. */
  makeDecoder(): TickDecoder
  readonly symbols: Interner
  readonly lines: Interner
  encodeEmission(emission: Emission): Uint8Array
  encodeEpoch(e: number): Uint8Array
  readonly historyDecoder: FramedDecoder<HistorySegment>
  /** Seconds. */
  readonly intervals: readonly number[]
}

/** Ticks to candles: finals to `candles` after their commit, every emission to `candles.live`, channels to the snapshot. */
export function createCandleStage(options: CandleStageOptions): Stage<ColumnBatch, PreparedCandles> {
  const { topology, topics } = options
  return {
    name: topology.name,
    topic: topics.ticks,
    groupId: options.groupId,
    decoder: options.makeDecoder(),
    pulseEveryMs: emitEveryMsOf(topology),
    open: (host) => openOutput(options, host),
  }
}

async function openOutput(
  options: CandleStageOptions,
  { identity, onAlarm, onFailure: onFatal }: StageHost,
): Promise<StageOutput<ColumnBatch, PreparedCandles>> {
  const { topology, topics, broker, symbols, clock, encodeEmission: encode, encodeEpoch } = options
  const runners = new Map<number, PartitionRunner>()
  /** Epoch under which each partition is ours; none while it is taken over. */
  const epochs = new Map<number, number>()
  const isAtOnce = emitEveryMsOf(topology) === 0
  let isClosing = false
  /** A pulse came while a send was under way. */
  let isMissed = false
  const producer = await broker.createProducer()
  const publisher = createEmissionPublisher({ producer, topic: topics.candlesLive, encode, encodeEpoch })
  const commits = createCommitPublisher({
    broker,
    clock,
    topics,
    idPrefix: `redwick-${topics.ticks}-${topology.name}`,
    encode,
  })
  const snapshots = createSnapshotWriter({
    ...options,
    isUrgent: () => !isClosing && [...runners.values()].some(({ isSettled }) => !isSettled),
    open: (partition, symbol, interval) => runners.get(partition)?.open(symbols.internName(symbol), interval),
  })

  const history = createHistoryReader({ ...options, topic: topics.history, decoder: options.historyDecoder })
  const replay = createHeldReplay({ ...options, topic: topics.ticks, partitions: identity.partitions, history })
  const keepHistory = (partition: number, from: number): void =>
    broker.retainFrom(topics.history, new Map([[partition, from]]))

  const sync = async (): Promise<void> => {
    await broker.sync(topics.candles)
    await broker.sync(topics.deadLetters)
  }

  const begin = async (
    checkpoint: PartitionCheckpoint,
    suspects: readonly Suspect[],
  ): Promise<() => PartitionRunner> => {
    const { partition, epoch, lastSeq } = checkpoint
    epochs.set(partition, epoch)
    const epochOffset = await publisher.startEpoch(partition, epoch)
    const republished = new Set<string>()
    let lastOffset = epochOffset
    for (const { payload } of checkpoint.outbox) {
      const outbox = unpackOutbox(payload, { partition, partitions: identity.partitions })
      const finals = namedCandles(outbox.finals)
      await commits.publish(partition, epoch, { ...outbox, finals })
      const sent = await publisher.publish(partition, finals)
      for (const { symbol } of sent.channels) republished.add(symbol)
      lastOffset = Math.max(lastOffset, sent.lastOffset)
    }
    if (checkpoint.outbox.length > 0) await sync()
    return () => {
      const runner = createPartitionRunner({
        ...{ topology, topic: topics.ticks, partitions: identity.partitions, checkpoint },
        ...{ symbols, lines: options.lines, history, suspects, replay },
        onAlarm: (name) => onAlarm(partition, name),
      })
      runners.set(partition, runner)
      keepHistory(partition, runner.historyFrom)
      const names = new Set([...runner.symbols().map((id) => symbols.name(id)), ...republished])
      const start = { offset: epochOffset, seq: lastSeq }
      snapshots.note(partition, epoch, lastOffset, publisher.channels(partition, names, options.intervals, start))
      return runner
    }
  }

  type OnFailure = (partition: number, error: unknown) => void

  const pulsed = (runner: PartitionRunner, onFailure: OnFailure, limit: PulseLimit): CandleColumns | undefined => {
    try {
      return runner.pulse(clock.now(), limit)
    } catch (error) {
      onFailure(runner.partition, error)
      return undefined
    }
  }

  const publishUpdates = async (runner: PartitionRunner, rows: CandleColumns, onFailure: OnFailure): Promise<void> => {
    const { partition, epoch } = runner
    try {
      const sent = await publisher.publish(partition, { rows, symbolName: (id) => symbols.name(id) })
      if (runners.get(partition) === runner) snapshots.note(partition, epoch, sent.lastOffset, sent.channels)
    } catch (error) {
      onFailure(partition, error)
    }
  }

  /** Says what is due; where that is much, in small sends, so that no symbol waits behind all the others. */
  const pulse = (onFailure: OnFailure): void => {
    // Updates are better left to grow while a send is under way: the latest wins.
    if (publisher.isBusy) isMissed = true
    if (isClosing || publisher.isBusy) return
    isMissed = false
    let isCut = false
    const limit = {
      keysMax: pulseKeysMax,
      cut() {
        isCut = true
      },
    }
    const sends: Promise<void>[] = []
    for (const runner of runners.values()) {
      const rows = pulsed(runner, onFailure, limit)
      if (rows !== undefined && rows.length > 0) sends.push(publishUpdates(runner, rows, onFailure))
    }
    snapshots.flush().catch(onFatal)
    // While finals are owed, updates come at their pace only.
    const isMore = isCut && ![...runners.values()].some(({ owed }) => owed > 0)
    if (isMore || isAtOnce)
      void Promise.all(sends).then(() => {
        if (isMore || isMissed) pulse(onFailure)
      })
  }

  return {
    async fence(partition) {
      epochs.delete(partition)
      await commits.takeOver(partition)
    },
    begin,
    async publish({ commit: { partition, epoch }, finals, deadLetters, historyFrom }) {
      keepHistory(partition, historyFrom)
      // Taken over again while the commit was under way: whoever does finds it in the store, and publishes it in turn.
      const isOurs = (): boolean => epochs.get(partition) === epoch
      if (!isOurs()) return
      await commits.publish(partition, epoch, { finals, deadLetters })
      if (!isOurs()) return
      const sent = await publisher.publish(partition, finals)
      const runner = runners.get(partition)
      if (runner?.epoch !== epoch) return
      runner.settled()
      if (sent.channels.length > 0) snapshots.note(partition, epoch, sent.lastOffset, sent.channels)
    },
    sync,
    pulse,
    drop(partition) {
      runners.delete(partition)
      publisher.forget(partition)
      snapshots.forget(partition)
    },
    release: (partition) => commits.forget(partition),
    async close() {
      isClosing = true
      await snapshots.close()
      await commits.close()
      await producer.close()
    },
  }
}
