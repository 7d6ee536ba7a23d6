import { Registry } from 'prom-client'
import type { Broker } from '../ports/broker.ts'
import type { CandleStore } from '../ports/candle-store.ts'
import type { Log } from '../ports/logger.ts'
import { createEmbeddedRegistry } from '../registry/embedded-registry.ts'
import { invariant } from '../schemas/errors.ts'
import { Interner } from '../schemas/interner.ts'
import { storedIntervals } from '../schemas/intervals.ts'
import { createTickColumnDecoder } from '../schemas/tick-column-decoder.ts'
import { type TopicNames, topicNames } from '../schemas/topics.ts'
import { createPostgresStore } from '../sinks/postgres/postgres-store.ts'
import { createMemorySnapshot } from '../sinks/snapshot/memory-snapshot.ts'
import { openKafka } from '../topology/adapters.ts'
import { createCandleStage } from '../topology/candle-stage.ts'
import { candles } from '../topology/candles.ts'
import { createCodecs } from '../topology/codecs.ts'
import { configSchema } from '../topology/config.ts'
import { createEngine, type Engine } from '../topology/engine.ts'
import { createEngineMetrics } from '../topology/engine-metrics.ts'
import { systemClock as clock } from '../topology/system-clock.ts'
import { ensureTopics } from '../topology/topics.ts'
import { minuteCandles } from './candle-variants.ts'

export interface BenchEngineOptions {
  readonly brokers: string
  readonly databaseUrl: string
  /** Of topics. */
  readonly prefix: string
  readonly groupId: string
  /** Which candles are made: those of the peers at a pace or after each tick, or those of our topology. */
  readonly candles: BenchCandles
  /** The first batch is with the engine. */
  onFirst?(): void
}

const minute = [storedIntervals['1m']]
const madeOf = {
  minutes: { topology: minuteCandles('100ms'), intervals: minute },
  'minutes at once': { topology: minuteCandles(0), intervals: minute },
  all: { topology: candles, intervals: Object.values(storedIntervals) },
}
export type BenchCandles = keyof typeof madeOf

const isBenchCandles = (name: string): name is BenchCandles => Object.hasOwn(madeOf, name)

export function benchCandlesOf(name: string): BenchCandles {
  invariant(isBenchCandles(name), `the candles of a bench are one of ${Object.keys(madeOf).join(', ')}, was ${name}`)
  return name
}

/** An engine over a real broker and database, as the composition root makes it; its snapshot is in memory. */
export interface BenchEngine {
  readonly engine: Engine
  readonly broker: Broker
  readonly store: CandleStore
  readonly topics: TopicNames
  readonly metrics: ReturnType<typeof createEngineMetrics>
}

/** Notes when the first batch reaches the engine. */
function watched(broker: Broker, onFirst: () => void): Broker {
  let isFirst = true
  return {
    ...broker,
    subscribe: (options) =>
      broker.subscribe({
        ...options,
        handler: {
          assigned: (partitions, signal) => options.handler.assigned(partitions, signal),
          revoked: (partitions) => options.handler.revoked(partitions),
          failed: (error) => options.handler.failed(error),
          batch(batch) {
            if (isFirst) onFirst()
            isFirst = false
            return options.handler.batch(batch)
          },
        },
      }),
  }
}

export async function createBenchEngine(options: BenchEngineOptions): Promise<BenchEngine> {
  const { brokers, databaseUrl, prefix, groupId, onFirst = () => undefined } = options
  const topics = topicNames(prefix)
  const { BROKER_CLIENT } = configSchema.parse(process.env)
  const kafka = await openKafka(BROKER_CLIENT, { brokers: brokers.split(','), clientId: 'redwick-bench', clock })
  const registry = await createEmbeddedRegistry()
  const store = await createPostgresStore({ url: databaseUrl })
  await ensureTopics(kafka, topics, 1)
  const codecs = await createCodecs(registry, topics)
  const metrics = createEngineMetrics(new Registry())
  const symbols = new Interner()
  const lines = new Interner()
  const log: Log = (level, message, details) => {
    if (level === 'warn' || level === 'error') process.stderr.write(`${message} ${JSON.stringify(details ?? {})}\n`)
  }
  const common = { broker: watched(kafka, onFirst), store, clock, log }
  const stage = createCandleStage({
    ...common,
    ...{ ...madeOf[options.candles], topics, groupId, symbols, lines },
    snapshot: createMemorySnapshot(),
    makeDecoder: () => createTickColumnDecoder({ symbols, lines, fetchSchema: (id) => registry.schema(id) }),
    encodeEmission: codecs.encodeEmission,
    encodeEpoch: codecs.encodeEpoch,
    historyDecoder: codecs.historyDecoder,
  })
  return { engine: createEngine({ ...common, stage, metrics }), broker: kafka, store, topics, metrics }
}
