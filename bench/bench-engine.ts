import { Registry } from 'prom-client'
import type { Broker } from '../ports/broker.ts'
import type { CandleStore } from '../ports/candle-store.ts'
import type { Log } from '../ports/logger.ts'
import { createEmbeddedRegistry } from '../registry/embedded-registry.ts'
import { Interner } from '../schemas/interner.ts'
import { createTickColumnDecoder } from '../schemas/tick-column-decoder.ts'
import { type TopicNames, topicNames } from '../schemas/topics.ts'
import { createPostgresStore } from '../sinks/postgres/postgres-store.ts'
import { createMemorySnapshot } from '../sinks/snapshot/memory-snapshot.ts'
import { openKafka } from '../topology/adapters.ts'
import { createCandleStage } from '../topology/candle-stage.ts'
import type { Topology } from '../topology/candle-topology.ts'
import { createCodecs } from '../topology/codecs.ts'
import { configSchema } from '../topology/config.ts'
import { createEngine, type Engine } from '../topology/engine.ts'
import { createEngineMetrics } from '../topology/engine-metrics.ts'
import { systemClock as clock } from '../topology/system-clock.ts'
import { ensureTopics } from '../topology/topics.ts'

export interface BenchEngineOptions {
  readonly brokers: string
  readonly databaseUrl: string
  /** Of topics. */
  readonly prefix: string
  readonly groupId: string
  readonly topology: Topology
  /** Seconds. */
  readonly intervals: readonly number[]
  /** The first batch is with the engine. */
  onFirst?(): void
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
  const { brokers, databaseUrl, prefix, groupId, topology, intervals, onFirst = () => undefined } = options
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
    ...{ topology, topics, groupId, symbols, lines, intervals },
    snapshot: createMemorySnapshot(),
    makeDecoder: () => createTickColumnDecoder({ symbols, lines, fetchSchema: (id) => registry.schema(id) }),
    encodeEmission: codecs.encodeEmission,
    encodeEpoch: codecs.encodeEpoch,
    historyDecoder: codecs.historyDecoder,
  })
  return { engine: createEngine({ ...common, stage, metrics }), broker: kafka, store, topics, metrics }
}
