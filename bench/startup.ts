import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from 'pg'
import { onDeployment } from './deployment.ts'
import { type BenchOptions, type BenchOutcome, repeated, spreadOf } from './outcome.ts'

const ticksDefault = 200_000
const lookEveryMs = 5
const startMsMax = 60_000

/** Until the store holds a candle. */
async function msUntilCandle(databaseUrl: string, startedAt: number): Promise<number> {
  const client = new Client({ connectionString: databaseUrl })
  await client.connect()
  try {
    while (performance.now() - startedAt < startMsMax) {
      // Until the engine has made it there is no such table.
      const found = await client.query('SELECT 1 FROM candles LIMIT 1').catch(() => undefined)
      if (found?.rowCount === 1) return performance.now() - startedAt
      await sleep(lookEveryMs)
    }
    throw new Error(`no candle within ${startMsMax} ms`)
  } finally {
    await client.end()
  }
}

/** `startup`: from the start of an engine's process, on real services with a backlog, to its first committed candle. */
export async function startup(options: BenchOptions): Promise<BenchOutcome> {
  const { ticks = ticksDefault, partitions, runs, tell } = options
  return onDeployment(options, ticks, async ({ withEngine }) => {
    const times = await repeated(runs, (run) => {
      tell(run < 0 ? 'startup: warm-up' : `startup: run ${run + 1} of ${runs}`)
      const startedAt = performance.now()
      return withEngine([], (_, databaseUrl) => msUntilCandle(databaseUrl, startedAt))
    })
    return { bench: 'startup', runs, measures: { ms: spreadOf(times), ticks, partitions } }
  })
}
