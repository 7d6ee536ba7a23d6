import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { createKafkaBroker } from '../../broker/kafkajs/kafkajs-broker.ts'
import { createTickPublisher } from '../../feeds/tick-publisher.ts'
import { createConfluentRegistry } from '../../registry/confluent-registry.ts'
import type { HistorySegment } from '../../schemas/history.ts'
import { segmentParts } from '../../schemas/history-codec.ts'
import { storedIntervals } from '../../schemas/intervals.ts'
import { partitionOfKey } from '../../schemas/partitioner.ts'
import type { Tick } from '../../schemas/tick.ts'
import { topicNames } from '../../schemas/topics.ts'
import { createPostgresStore } from '../../sinks/postgres/postgres-store.ts'
import { createCodecs } from '../../topology/codecs.ts'
import { createRandom } from '../../topology/random.ts'
import { systemClock } from '../../topology/system-clock.ts'
import { ensureTopics } from '../../topology/topics.ts'
import { type RunningCli, runCli, startCli } from '../cli.ts'
import { type OracleEntry, oracleOfLog } from '../oracle.ts'
import { describeServices } from '../services/services.ts'
import { serviceProfile } from './profiles.ts'

// A reduced count here; `npm run proof -- history` runs more.
const kills = Number(process.env['KILLS'] ?? 2)
const seed = Number(process.env['HISTORY_SEED'] ?? Date.now() % 2 ** 31)
const limitMs = 120_000 + kills * 30_000
const minute = 60_000
const symbols = ['A', 'B', 'C', 'D', 'E', 'F', 'G', 'H']
const rounds = 12
const startMs = Date.UTC(2026, 0, 1)

const random = createRandom(seed)
const below = (end: number): number => Math.floor(random() * end)

/** Ticks of ten minutes, and a segment or two of trades that take the place of some. */
function* round(number: number, ids: Map<string, number>): Generator<{ tick: Tick } | { segment: HistorySegment }> {
  const from = startMs + number * 10 * minute
  for (let i = 0; i < 400; i++) {
    const symbol = symbols[below(symbols.length)] ?? 'A'
    const tradeId = (ids.get(symbol) ?? 0) + 1
    ids.set(symbol, tradeId)
    const eventTime = from + i * 1500
    yield {
      tick: {
        ...{ symbol, eventTime, price: 100 + below(1000) / 100, size: 0.1, side: 'buy', tradeId },
        ...{ idOrder: 'monotonic', sequence: tradeId, line: 'x', ingestTime: eventTime },
      },
    }
    if (i % 150 !== 100) continue
    const bucketFrom = from + (below(40) - 35) * minute
    const bucketTo = bucketFrom + (1 + below(12)) * minute
    const trades = Array.from({ length: below(30) }, (_, n) => ({
      ...{ eventTime: bucketFrom + ((n * 37_000) % (bucketTo - bucketFrom)), price: 50 + n, size: 0.3 },
      ...{ side: 'sell' as const, tradeId: n, sequence: n },
    }))
    const segment = { symbol, bucketFrom, bucketTo, id: `${number}-${i}`, part: 0, parts: 1 }
    yield { segment: { ...segment, kind: 'trades', trades } }
  }
}

const row = (candle: { symbol: string; interval: number; start: number; trades: number; close: number }) =>
  [`${candle.symbol} ${candle.interval} ${candle.start}`, `${candle.trades} ${candle.close}`] as const

describeServices(['kafka', 'registry', 'postgres', 'redis'], 'history on Kafka and PostgreSQL', (services) => {
  it(
    `two engines, killed ${kills} times, give the oracle's table, and explain verifies it`,
    async () => {
      const dir = await mkdtemp(join(tmpdir(), 'redwick-history-'))
      const { environment, drop } = await serviceProfile(services, dir)
      const topics = topicNames(environment['TOPIC_PREFIX'] ?? '')
      const common = { brokers: services.kafka.brokers.split(','), clientId: 'test', clock: systemClock }
      const broker = createKafkaBroker(common)
      const registry = createConfluentRegistry({ url: services.registry.url })
      const store = await createPostgresStore({ url: environment['DATABASE_URL'] ?? '' })
      const engines: RunningCli[] = []
      const start = (): RunningCli => startCli(['topology', '--role', 'engine'], environment, limitMs)
      try {
        const partitions = await ensureTopics(broker, topics, 4)
        const codecs = await createCodecs(registry, topics)
        const producer = await broker.createProducer()
        const output = createTickPublisher({ producer, topic: topics.ticks, partitions, ...codecs })
        const historian = await broker.createProducer()
        engines.push(start(), start())
        await Promise.all(engines.map((one) => one.sees(/partitions assigned/)))

        const entries: OracleEntry[] = []
        const ids = new Map<string, number>()
        for (let number = 0; number < rounds; number++) {
          for (const entry of round(number, ids)) {
            entries.push(entry)
            if ('tick' in entry) {
              output.tick(entry.tick)
              continue
            }
            const { symbol } = entry.segment
            const partition = partitionOfKey(symbol, partitions)
            const parts = segmentParts(entry.segment, 10)
            const sent = parts.map((part) => ({ partition, key: symbol, value: codecs.encodeHistory(part) }))
            const [range] = await historian.send(topics.history, sent)
            output.control({ kind: 'history', line: 'x', upTo: (range?.baseOffset ?? 0) + parts.length }, partition)
            await output.flush()
          }
          await output.flush()
          await sleep(below(1000))
          if (number % Math.ceil(rounds / kills) !== 0) continue
          const [victim] = engines.splice(below(2), 1)
          victim?.process.kill('SIGKILL')
          await victim?.ended
          engines.push(start())
        }
        output.control({ kind: 'end', line: 'x' })
        await output.flush()

        const expected = new Map(oracleOfLog(entries, Object.values(storedIntervals)).map(row))
        const table = async (): Promise<Map<string, string>> => {
          const rows = new Map<string, string>()
          for await (const page of store.scan({}))
            for (const candle of page) if (candle.trades > 0) rows.set(...row(candle))
          return rows
        }
        let got = await table()
        for (const until = Date.now() + 60_000; Date.now() < until; got = await table()) {
          if (got.size === expected.size && [...expected].every(([key, value]) => got.get(key) === value)) break
          for (const one of engines) if (one.process.exitCode !== null) throw new Error(one.stderr())
          await sleep(500)
        }
        expect(got, `HISTORY_SEED=${seed}`).toEqual(expected)
        for (const one of engines) one.process.kill('SIGTERM')
        const ends = await Promise.all(engines.map((one) => one.ended))
        expect(ends.map(({ code }) => code)).toEqual([0, 0])
        await producer.close()
        await historian.close()

        const replayed = await runCli(['plan', '--replay', '1d'], environment)
        expect(replayed, replayed.stderr).toMatchObject({ code: 0 })
        expect(replayed.stdout).toMatch(/^0 of [1-9]\d+ stored candles would differ$/m)
        const corrected = [...entries].findLast((entry) => 'segment' in entry && entry.segment.kind === 'trades')
        if (corrected === undefined || !('segment' in corrected)) throw new Error('there was history')
        const { symbol, bucketFrom } = corrected.segment
        const told = await runCli(['explain', symbol, '1m', new Date(bucketFrom).toISOString()], environment)
        expect(told, told.stderr).toMatchObject({ code: 0 })
        expect(told.stdout).toMatch(/history replaced buckets of it: \d+ markers[\s\S]*verdict: equal/)
        console.log(`history with ${kills} kills, HISTORY_SEED=${seed}`)
      } finally {
        for (const one of engines) if (one.process.exitCode === null) one.process.kill('SIGKILL')
        await Promise.all(engines.map((one) => one.ended))
        await store.close()
        await registry.close()
        await broker.close()
        await drop()
        await rm(dir, { recursive: true, force: true })
      }
    },
    limitMs,
  )
})
