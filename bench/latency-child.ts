// The engine of the bench `latency`: it works until it is killed.
import { benchCandlesOf, createBenchEngine } from './bench-engine.ts'

const [, , brokers = '', databaseUrl = '', prefix = '', which = ''] = process.argv
const { engine } = await createBenchEngine({
  ...{ brokers, databaseUrl, prefix, groupId: `${prefix}latency` },
  candles: benchCandlesOf(which),
})
await engine.start()
await engine.failed
