import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { z } from 'zod'
import { fakeLog, fakeSnapshot } from '../gateway/testing/fakes.ts'
import type { CandleStore } from '../ports/candle-store.ts'
import { createEmbeddedRegistry } from '../registry/embedded-registry.ts'
import { invariant } from '../schemas/errors.ts'
import { storedIntervals } from '../schemas/intervals.ts'
import { topicNames } from '../schemas/topics.ts'
import { createPostgresStore } from '../sinks/postgres/postgres-store.ts'
import { sampleCandle, sampleCommit, samplePart, sampleTopic } from '../sinks/sample-commit.ts'
import { startPostgres } from '../test/services/postgres.ts'
import { createCodecs } from '../topology/codecs.ts'
import { openBenchGateway } from './bench-gateway.ts'
import { generatedStartMs, symbolName } from './generated-ticks.ts'
import { started } from './needs.ts'
import { type BenchOptions, type BenchOutcome, type Measures, peakRssMiB, repeated, spreadOf } from './outcome.ts'
import { nodeOptions } from './own-process.ts'

const exec = promisify(execFile)
const connections = 16
const runMs = 2_000
const candlesOfSymbol = 2_000
const symbolsOfCommit = 5
const minuteMs = 60_000

const answered = z.object({
  requests: z.number(),
  rows: z.number(),
  bytes: z.number(),
  seconds: z.number(),
  p50Ms: z.number(),
  p99Ms: z.number(),
})
/** What the clients' process tells of a run. */
export type Answered = z.infer<typeof answered>

const endMs = generatedStartMs + candlesOfSymbol * minuteMs

/** Rows of one answer, and what is asked for. */
interface ApiCase {
  readonly name: string
  readonly rows: number
  path(symbol: string): string
}

const page = (symbol: string, interval: string, rows: number, ms: number): string =>
  `/v1/ohlcv?symbol=${symbol}&interval=${interval}&startDate=${endMs - rows * ms}&endDate=${endMs}&limit=${rows}`

const cases: readonly ApiCase[] = [
  { name: 'page of 100 minutes', rows: 100, path: (symbol) => page(symbol, '1m', 100, minuteMs) },
  { name: 'page of 1,000 minutes', rows: 1_000, path: (symbol) => page(symbol, '1m', 1_000, minuteMs) },
  { name: 'page of 24 hours', rows: 24, path: (symbol) => page(symbol, '1h', 24, 60 * minuteMs) },
]

/** Minutes and hours of every symbol. */
async function fill(store: CandleStore, symbols: number): Promise<void> {
  const topology = 'candles'
  const [owned] = await store.takeover(topology, sampleTopic, [0], Date.now())
  const epoch = owned?.epoch ?? 0
  const made = (symbol: string, interval: number, count: number) =>
    Array.from({ length: count }, (_, i) => {
      const [start, open] = [endMs - (count - i) * interval * 1000, 100 + i / 8]
      return sampleCandle({ symbol, interval, start, open, high: open + 1, close: open, trades: 17, seq: i + 1 })
    })
  for (let commitNo = 1; (commitNo - 1) * symbolsOfCommit < symbols; commitNo++) {
    const from = (commitNo - 1) * symbolsOfCommit
    const names = Array.from({ length: Math.min(symbolsOfCommit, symbols - from) }, (_, i) => symbolName(from + i))
    const candles = names.flatMap((symbol) => [
      ...made(symbol, storedIntervals['1m'], candlesOfSymbol),
      ...made(symbol, storedIntervals['1h'], Math.floor(candlesOfSymbol / 60)),
    ])
    const part = samplePart({ epoch, previousOffset: (commitNo - 1) * 10, commitNo }, candles)
    await store.commit(sampleCommit(topology, part))
  }
}

async function ask(port: number, paths: readonly string[]): Promise<Answered> {
  const clients = join(import.meta.dirname, 'api-clients.ts')
  const { stdout } = await exec(process.execPath, [
    ...nodeOptions,
    ...[clients, String(port), String(connections), String(runMs), ...paths],
  ])
  return answered.parse(JSON.parse(stdout))
}

/** `api`: pages of history through the gateway from PostgreSQL, by connections that ask again as soon as they are answered. */
export async function api({ symbols, runs, tell }: BenchOptions): Promise<BenchOutcome> {
  const names = Array.from({ length: symbols }, (_, i) => symbolName(i))
  const server = await started('a PostgreSQL server', () => startPostgres())
  try {
    const store = await createPostgresStore({ url: server.url })
    tell('api: the store is filled')
    await fill(store, symbols)
    const codecs = await createCodecs(await createEmbeddedRegistry(), topicNames())
    const { broker } = fakeLog(1)
    const gateway = await openBenchGateway({ broker, store, codecs, snapshot: fakeSnapshot().snapshot })
    try {
      const measured: Record<string, Measures> = {}
      for (const { name, rows, path } of cases) {
        const results = await repeated(runs, async (run) => {
          tell(run < 0 ? `api: ${name}` : `api: ${name}, run ${run + 1} of ${runs}`)
          const used = process.cpuUsage()
          const result = await ask(gateway.port, names.map(path))
          const { user, system } = process.cpuUsage(used)
          invariant(result.rows === result.requests * rows, `each answer holds ${rows} candles`)
          return { ...result, cpuMicros: (user + system) / result.requests }
        })
        measured[name] = {
          requestsPerSecond: spreadOf(results.map(({ requests, seconds }) => requests / seconds)),
          candlesPerSecond: spreadOf(results.map(({ rows: all, seconds }) => all / seconds)),
          p50Ms: spreadOf(results.map(({ p50Ms }) => p50Ms)),
          p99Ms: spreadOf(results.map(({ p99Ms }) => p99Ms)),
          cpuMicrosPerRequest: spreadOf(results.map(({ cpuMicros }) => cpuMicros)),
        }
      }
      return { bench: 'api', runs, measures: { connections, symbols, rssMiB: peakRssMiB() }, cases: measured }
    } finally {
      await gateway.close()
      await store.close()
    }
  } finally {
    await server.stop()
  }
}
