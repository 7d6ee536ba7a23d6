import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { CandleStore } from '../ports/candle-store.ts'
import type { Candle } from '../schemas/candle.ts'
import { createPgliteStore } from '../sinks/pglite/pglite-store.ts'
import { createPostgresStore } from '../sinks/postgres/postgres-store.ts'
import { sampleCandle, sampleCommit, samplePart, sampleTopic } from '../sinks/sample-commit.ts'
import { startPostgres } from '../test/services/postgres.ts'
import { generatedStartMs, symbolName } from './generated-ticks.ts'
import { isMissing, started } from './needs.ts'
import { type BenchOptions, type BenchOutcome, type Measures, peakRssMiB, repeated, spreadOf } from './outcome.ts'

/** Candles of a commit, and commits of one run. */
const sizes = [
  { rows: 100, commits: 20 },
  { rows: 1_000, commits: 10 },
  { rows: 10_000, commits: 3 },
] as const
/** About what a partition of 100 symbols writes between two full images. */
const state = new Uint8Array(16_384)
const minuteMs = 60_000
const symbolsOfCommit = 100

/** New candles of 100 symbols, as the minutes pass. */
function candlesOf(commit: number, rows: number): Candle[] {
  return Array.from({ length: rows }, (_, i) => {
    const minute = commit * Math.ceil(rows / symbolsOfCommit) + Math.floor(i / symbolsOfCommit)
    return sampleCandle({
      symbol: symbolName(i % symbolsOfCommit),
      start: generatedStartMs + minute * minuteMs,
      open: 100.25 + i / 8,
      volume: 12.345678,
      quoteVolume: 1234.5678,
      trades: 17,
      seq: commit * rows + i + 1,
    })
  })
}

async function measure(store: CandleStore, rows: number, commits: number, runs: number): Promise<Measures> {
  const topology = `bench-${rows}`
  const [owned] = await store.takeover(topology, sampleTopic, [0], Date.now())
  const epoch = owned?.epoch ?? 0
  let commitNo = 0
  const seconds = await repeated(runs, async () => {
    const prepared = Array.from({ length: commits }, () => {
      const previousOffset = commitNo * 10
      const part = samplePart({ epoch, previousOffset, commitNo: ++commitNo, state }, candlesOf(commitNo, rows))
      return sampleCommit(topology, part)
    })
    const from = performance.now()
    for (const commit of prepared) await store.commit(commit)
    return (performance.now() - from) / 1000
  })
  return {
    commitsPerSecond: spreadOf(seconds.map((each) => commits / each)),
    rowsPerSecond: spreadOf(seconds.map((each) => (commits * rows) / each)),
  }
}

async function measureAll(name: string, store: CandleStore, options: BenchOptions): Promise<Record<string, Measures>> {
  const cases: Record<string, Measures> = {}
  try {
    for (const { rows, commits } of sizes) {
      options.tell(`store: ${name}, ${rows} rows a commit`)
      cases[`${name}, ${rows} rows`] = await measure(store, rows, commits, options.runs)
    }
    return cases
  } finally {
    await store.close()
  }
}

async function onPglite(options: BenchOptions): Promise<Record<string, Measures>> {
  const dir = await mkdtemp(join(tmpdir(), 'redwick-bench-'))
  try {
    return await measureAll('PGlite', await createPgliteStore({ dir }), options)
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}

async function onPostgres(options: BenchOptions): Promise<Record<string, Measures>> {
  const server = await started('a PostgreSQL server', () => startPostgres())
  try {
    return await measureAll('PostgreSQL', await createPostgresStore({ url: server.url }), options)
  } finally {
    await server.stop()
  }
}

/** `store`: commits of new candles, one after the other, each with offsets and state; PostgreSQL where there is one. */
export async function store(options: BenchOptions): Promise<BenchOutcome> {
  const embedded = await onPglite(options)
  const server = await onPostgres(options).catch((error: unknown) => {
    if (!isMissing(error)) throw error
    options.tell(`store: PostgreSQL is left out: ${error.why}`)
    return {}
  })
  return { bench: 'store', runs: options.runs, measures: { rssMiB: peakRssMiB() }, cases: { ...embedded, ...server } }
}
