// The engine of the benches `end-to-end`, `peers` and `engines`, in a process of its own: its CPU and memory are nobody else's.
import type { CandleStore } from '../ports/candle-store.ts'
import { storedIntervals } from '../schemas/intervals.ts'
import { committedThrough } from '../topology/engine-host.ts'
import { systemClock as clock } from '../topology/system-clock.ts'
import { benchCandlesOf, createBenchEngine } from './bench-engine.ts'
import type { EngineRun } from './engine-run.ts'

const lookEveryMs = 5

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
  readonly candles: string
}

async function main({ candles: which, ...places }: RunArguments): Promise<EngineRun> {
  let firstRecordAt = 0
  const { engine, broker, store, topics, metrics } = await createBenchEngine({
    ...places,
    candles: benchCandlesOf(which),
    onFirst() {
      firstRecordAt = Date.now()
    },
  })
  const ends = await broker.admin.offsets(topics.ticks)
  const targets = new Map([...ends].map(([partition, { latest }]) => [partition, latest]))
  await engine.start()
  const never = new AbortController().signal
  // Its last checkpoint comes at its own pace, as the peers' do.
  const atItsPace = { ...engine, checkpointNow: () => clock.sleep(lookEveryMs) }
  await Promise.race([committedThrough([atItsPace], targets, clock, never), engine.failed])
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
  return { firstRecordAt, committedAt, cpuMicros, rssMiB, ...counts, ...found }
}

const [, , brokers = '', databaseUrl = '', prefix = '', groupId = '', candles = ''] = process.argv
const run = await main({ brokers, databaseUrl, prefix, groupId, candles })
process.stdout.write(`${JSON.stringify(run)}\n`, () => process.exit(0))
