// The engine of the benches `end-to-end` and `peers`, in a process of its own: its CPU and memory are nobody else's.
import { Registry } from 'prom-client'
import type { Broker } from '../ports/broker.ts'
import type { CandleStore } from '../ports/candle-store.ts'
import type { Log } from '../ports/logger.ts'
import { createEmbeddedRegistry } from '../registry/embedded-registry.ts'
import { Interner } from '../schemas/interner.ts'
import { storedIntervals } from '../schemas/intervals.ts'
import { createTickColumnDecoder } from '../schemas/tick-column-decoder.ts'
import { topicNames } from '../schemas/topics.ts'
import { createPostgresStore } from '../sinks/postgres/postgres-store.ts'
import { createMemorySnapshot } from '../sinks/snapshot/memory-snapshot.ts'
import { openKafka } from '../topology/adapters.ts'
import { createCandleStage } from '../topology/candle-stage.ts'
import { candles } from '../topology/candles.ts'
import { createCodecs } from '../topology/codecs.ts'
import { configSchema } from '../topology/config.ts'
import { createEngine } from '../topology/engine.ts'
import { committedThrough } from '../topology/engine-host.ts'
import { createEngineMetrics } from '../topology/engine-metrics.ts'
import { systemClock as clock } from '../topology/system-clock.ts'
import { ensureTopics } from '../topology/topics.ts'
import type { EngineRun } from './engine-run.ts'

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

/** What the store holds of the base interval: candles, and the trades in them. */
async function stored(store: CandleStore): Promise<{ candles: number; trades: number }> {
  let count = 0
  let trades = 0
  for await (const page of store.scan({ interval: storedIntervals['1m'] })) {
    count += page.length
    for (const candle of page) trades += candle.trades
  }
  return { candles: count, trades }
}

async function main(brokers: string, databaseUrl: string, prefix: string, groupId: string): Promise<EngineRun> {
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
  let firstRecordAt = 0
  const broker = watched(kafka, () => {
    firstRecordAt = Date.now()
  })
  const log: Log = (level, message, details) => {
    if (level === 'warn' || level === 'error') process.stderr.write(`${message} ${JSON.stringify(details ?? {})}\n`)
  }
  const common = { broker, store, clock, log }
  const stage = createCandleStage({
    ...common,
    topology: candles,
    topics,
    groupId,
    snapshot: createMemorySnapshot(),
    makeDecoder: () => createTickColumnDecoder({ symbols, lines, fetchSchema: (id) => registry.schema(id) }),
    symbols,
    lines,
    encodeEmission: codecs.encodeEmission,
    encodeEpoch: codecs.encodeEpoch,
    historyDecoder: codecs.historyDecoder,
    intervals: Object.values(storedIntervals),
  })
  const engine = createEngine({ ...common, stage, metrics })
  const ends = await kafka.admin.offsets(topics.ticks)
  const targets = new Map([...ends].map(([partition, { latest }]) => [partition, latest]))
  const startedAt = Date.now()
  await engine.start()
  const never = new AbortController().signal
  await Promise.race([committedThrough([engine], targets, clock, never), engine.failed])
  const committedAt = Date.now()
  const { user, system } = process.cpuUsage()
  const rssMiB = Math.round(process.resourceUsage().maxRSS / 1024)
  const cpuMicros = user + system
  await engine.stop()
  const { used, late, duplicate, rejected } = metrics.totals
  const found = await stored(store)
  await store.close()
  await kafka.close()
  const counts = { used, late, duplicate, rejected }
  return { startedAt, firstRecordAt, committedAt, cpuMicros, rssMiB, ...counts, ...found }
}

const [, , brokers = '', databaseUrl = '', prefix = '', groupId = ''] = process.argv
const run = await main(brokers, databaseUrl, prefix, groupId)
process.stdout.write(`${JSON.stringify(run)}\n`, () => process.exit(0))
