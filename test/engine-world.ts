import { Registry } from 'prom-client'
import { createEmbeddedBroker } from '../broker/embedded/embedded-broker.ts'
import { createTickPublisher } from '../feeds/tick-publisher.ts'
import type { Log } from '../ports/logger.ts'
import { createEmbeddedRegistry } from '../registry/embedded-registry.ts'
import type { Emission } from '../schemas/candle.ts'
import type { HistorySegment } from '../schemas/history.ts'
import { Interner } from '../schemas/interner.ts'
import { storedIntervals } from '../schemas/intervals.ts'
import { createTickColumnDecoder } from '../schemas/tick-column-decoder.ts'
import { topicNames } from '../schemas/topics.ts'
import { createMemorySnapshot } from '../sinks/snapshot/memory-snapshot.ts'
import { createCandleStage } from '../topology/candle-stage.ts'
import type { Topology } from '../topology/candle-topology.ts'
import { candles } from '../topology/candles.ts'
import { createCodecs } from '../topology/codecs.ts'
import { createEngine } from '../topology/engine.ts'
import { createEngineMetrics } from '../topology/engine-metrics.ts'
import { systemClock } from '../topology/system-clock.ts'
import { ensureTopics } from '../topology/topics.ts'
import { type CommitFate, createMemoryStore } from './memory-store.ts'

export const topics = topicNames('t.')
const limits = { commitEveryMs: 3, commitEveryMsMax: 20, retryMsMin: 1, retryMsMax: 5, fencedWaitMs: 5 }

/** What an engine has that is not as usual. */
export interface EngineChanges {
  readonly topology?: Topology
  readonly log?: Log
  readonly registry?: Registry
}

/** One world: a broker in memory, a store with fates, and engines that come and go. */
export async function createEngineWorld(fate: () => CommitFate) {
  const broker = createEmbeddedBroker({ clock: systemClock })
  const registry = await createEmbeddedRegistry()
  const store = createMemoryStore(fate)
  const partitions = await ensureTopics(broker, topics, 4)
  const codecs = await createCodecs(registry, topics)
  const output = createTickPublisher({
    producer: await broker.createProducer(),
    topic: topics.ticks,
    partitions,
    ...codecs,
  })
  const live: Emission[] = []
  const violations: string[] = []
  const epochs = new Map<number, number>()
  const positions = new Map<string, { e: number; q: number }>()
  await broker.read({
    topic: topics.candlesLive,
    from: 'earliest',
    onRecords(partition, records) {
      for (const record of records) {
        const decoded = codecs.decodeLive(record)
        if (decoded === undefined) violations.push('a record of candles.live cannot be read')
        else if ('epoch' in decoded) epochs.set(partition, decoded.epoch)
        else {
          const key = `${decoded.candle.symbol} ${decoded.candle.interval}`
          const last = positions.get(key)
          if (decoded.e !== epochs.get(partition))
            violations.push(`${key} of epoch ${decoded.e} in ${epochs.get(partition)}`)
          if (decoded.q !== (last?.e === decoded.e ? last.q : 0) + 1)
            violations.push(`${key} ${decoded.e}/${decoded.q} after ${last?.e}/${last?.q}`)
          positions.set(key, decoded)
          live.push(decoded)
        }
      }
      return undefined
    },
    onError: (error) => violations.push(error.message),
  })
  const makeStage = (changes: EngineChanges = {}) => {
    const symbols = new Interner()
    const lines = new Interner()
    const common = { broker, store, clock: systemClock, log: changes.log ?? (() => undefined) }
    const makeDecoder = () => createTickColumnDecoder({ symbols, lines, fetchSchema: (id) => registry.schema(id) })
    return createCandleStage({
      ...common,
      topology: changes.topology ?? candles,
      topics,
      groupId: 'g',
      snapshot: createMemorySnapshot(),
      makeDecoder,
      symbols,
      lines,
      encodeEmission: codecs.encodeEmission,
      encodeEpoch: codecs.encodeEpoch,
      historyDecoder: codecs.historyDecoder,
      intervals: Object.values(storedIntervals),
    })
  }
  const makeEngine = (changes: EngineChanges = {}) =>
    createEngine({
      ...{ broker, store, clock: systemClock, log: changes.log ?? (() => undefined), limits },
      ...{ stage: makeStage(changes), metrics: createEngineMetrics(changes.registry ?? new Registry()) },
    })
  const historian = await broker.createProducer()
  /** Sends segments of one partition, without their marker. @returns What the marker says. */
  const sendHistory = async (partition: number, segments: readonly HistorySegment[]): Promise<number> => {
    const records = segments.map((segment) => ({
      partition,
      key: segment.symbol,
      value: codecs.encodeHistory(segment),
    }))
    const [range] = await historian.send(topics.history, records)
    return (range?.baseOffset ?? 0) + segments.length
  }
  return { broker, registry, store, output, live, violations, partitions, sendHistory, makeStage, makeEngine }
}
