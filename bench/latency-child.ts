// The engine of the bench `latency`: it works until it is killed.
import { storedIntervals } from '../schemas/intervals.ts'
import { candles } from '../topology/candles.ts'
import { createBenchEngine } from './bench-engine.ts'
import { minuteCandles } from './candle-variants.ts'

const [, , brokers = '', databaseUrl = '', prefix = '', which = ''] = process.argv
const { engine } = await createBenchEngine({
  ...{ brokers, databaseUrl, prefix, groupId: `${prefix}latency` },
  topology: which === 'each' ? minuteCandles(0) : candles,
  intervals: which === 'each' ? [storedIntervals['1m']] : Object.values(storedIntervals),
})
await engine.start()
await engine.failed
