import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { intervalName, storedIntervals } from '../schemas/intervals.ts'
import { runCli } from '../test/cli.ts'
import { type OracleTick, oracleCandles } from '../test/oracle.ts'
import { describeData, sharedData } from '../test/shared-data.ts'
import { parseExport, readTrades } from '../test/trades.ts'
import { generatedTicks } from './generated-ticks.ts'

const kraken = 'data/kraken_spot_XBTUSDT_trades_20251110.csv.gz'
const spread = z.object({ min: z.number().positive(), median: z.number().positive(), max: z.number().positive() })
const line = z.object({ bench: z.literal('core'), ticksPerSecond: spread, ticks: z.number(), runs: z.number() })

/** What the oracle says of some ticks, in the form of the export. */
function expected(ticks: Iterable<OracleTick>): object[] {
  return oracleCandles(ticks, Object.values(storedIntervals)).map(
    ({ interval, start, buyVolume: _, firstTradeId: _first, lastTradeId: _last, ...values }) => ({
      ...values,
      interval: intervalName(interval),
      start,
      end: start + interval * 1000,
      final: 'true',
      revision: values.trades,
    }),
  )
}

let dir: string

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'redwick-bench-'))
})
afterAll(() => rm(dir, { recursive: true, force: true }))

/** Runs the bench `core` and reads what it printed and wrote. */
async function bench(...args: readonly string[]) {
  const out = join(dir, `${args.length}.csv`)
  const result = await runCli(['bench', 'core', '--json', '--runs', '1', '--no-save', '--out', out, ...args], {})
  expect(result, result.stderr).toMatchObject({ code: 0 })
  expect(result.stdout.trimEnd().split('\n')).toHaveLength(1)
  return { printed: line.parse(JSON.parse(result.stdout)), candles: parseExport(await readFile(out, 'utf8')) }
}

describe('the bench core', () => {
  it('makes of generated ticks the candles that the oracle makes', async () => {
    const { printed, candles } = await bench('--ticks', '5000', '--symbols', '7')
    expect(printed).toMatchObject({ ticks: 5000, runs: 1 })
    expect(candles).toEqual(expected(generatedTicks({ ticks: 5000, symbols: 7, jitterMs: 400 })))
  })

  it('has a plain error for a bench that there is not', async () => {
    const { code, stderr } = await runCli(['bench', 'speed'], {})
    expect(code).toBe(2)
    expect(stderr).toContain('there is no bench speed')
  })
})

describeData('the bench core on real trades', () => {
  it("makes of Kraken's trades the candles that the oracle makes", async () => {
    const path = sharedData(kraken)
    const { candles } = await bench('--tick-file', path)
    expect(candles).toEqual(expected(readTrades(path)))
  })
})
