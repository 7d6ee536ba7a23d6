// The engine of the benches `end-to-end`, `peers` and `engines`, in a process of its own: its CPU and memory are nobody else's.
import type { CandleStore } from '../ports/candle-store.ts'
import { storedIntervals } from '../schemas/intervals.ts'
import { candles } from '../topology/candles.ts'
import { committedThrough } from '../topology/engine-host.ts'
import { systemClock as clock } from '../topology/system-clock.ts'
import { createBenchEngine } from './bench-engine.ts'
import { minuteCandles } from './candle-variants.ts'
import type { EngineRun } from './engine-run.ts'

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

interface RunArguments {
  readonly brokers: string
  readonly databaseUrl: string
  readonly prefix: string
  readonly groupId: string
  readonly intervals: string
}

async function main({ intervals: which, ...places }: RunArguments): Promise<EngineRun> {
  let firstRecordAt = 0
  const { engine, broker, store, topics, metrics } = await createBenchEngine({
    ...places,
    topology: which === 'minutes' ? minuteCandles('100ms') : candles,
    intervals: which === 'minutes' ? [storedIntervals['1m']] : Object.values(storedIntervals),
    onFirst() {
      firstRecordAt = Date.now()
    },
  })
  const ends = await broker.admin.offsets(topics.ticks)
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
  await broker.close()
  const counts = { used, late, duplicate, rejected }
  return { startedAt, firstRecordAt, committedAt, cpuMicros, rssMiB, ...counts, ...found }
}

const [, , brokers = '', databaseUrl = '', prefix = '', groupId = '', intervals = ''] = process.argv
const run = await main({ brokers, databaseUrl, prefix, groupId, intervals })
process.stdout.write(`${JSON.stringify(run)}\n`, () => process.exit(0))
