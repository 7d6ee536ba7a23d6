import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { storedIntervals } from '../../schemas/intervals.ts'
import { type Environment, replayArgs, runCli, startCli } from '../cli.ts'
import { oracleCandles } from '../oracle.ts'
import { sharedData } from '../shared-data.ts'
import { type ExportedCandle, parseExport, readTrades } from '../trades.ts'

const files = {
  binance: 'data/binance_mixed_arrival_order_20240808-09.csv.gz',
  kraken: 'data/kraken_spot_XBTUSDT_trades_20251110.csv.gz',
  bac: 'data/us_equity_BAC_trades_20131007-11.csv.gz',
} as const

const nameOf = new Map<number, string>(Object.entries(storedIntervals).map(([name, seconds]) => [seconds, name]))

/** Trades of the week of one equity that are replayed: a reduced count here, all 573,620 in `npm run proof`. */
const equityTrades = Number(process.env['EQUITY_TRADES'] ?? 120_000)

/** The first trades of a file, as a file of their own. */
async function firstTrades(path: string, count: number, to: string): Promise<string> {
  const lines = gunzipSync(await readFile(path))
    .toString('utf8')
    .split('\n')
  await writeFile(to, `${lines.slice(0, count + 1).join('\n')}\n`)
  return to
}

/** What the oracle says, in the form of the export. */
function expected(path: string): object[] {
  return oracleCandles(readTrades(path), Object.values(storedIntervals)).map((candle) => ({
    symbol: candle.symbol,
    interval: nameOf.get(candle.interval),
    start: candle.start,
    end: candle.start + candle.interval * 1000,
    open: candle.open,
    high: candle.high,
    low: candle.low,
    close: candle.close,
    volume: candle.volume,
    quoteVolume: candle.quoteVolume,
    vwap: candle.vwap,
    trades: candle.trades,
    final: 'true',
    revision: candle.trades,
  }))
}

/** A profile to run on: where the data goes, and how to forget it. */
export interface Profile {
  readonly environment: Environment
  drop(): Promise<void>
}

/**
 * The real input, through the command line as a user runs it, on one profile.
 *
 * @param workers Engine workers of the first replay.
 */
export function realInputSuite(makeProfile: (dir: string) => Promise<Profile>, workers: number): void {
  let dir: string
  const profiles: Profile[] = []
  const fresh = async (): Promise<Environment> => {
    const profile = await makeProfile(await mkdtemp(join(dir, 'run-')))
    profiles.push(profile)
    return profile.environment
  }
  const exported = async (environment: Environment, ...args: readonly string[]): Promise<ExportedCandle[]> => {
    const out = join(dir, `out-${Math.random().toString(36).slice(2)}.csv`)
    const result = await runCli(['export', '--out', out, ...args], environment)
    expect(result, result.stderr).toMatchObject({ code: 0 })
    return parseExport(await readFile(out, 'utf8'))
  }

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'redwick-e2e-'))
  })
  afterAll(async () => {
    for (const profile of profiles) await profile.drop()
    await rm(dir, { recursive: true, force: true })
  })

  it(`six symbols in true arrival order equal the oracle at every interval (workers: ${workers}); replayed again, nothing changes`, async () => {
    const environment = await fresh()
    const path = sharedData(files.binance)
    const first = await runCli([...replayArgs(path), '--workers', String(workers)], environment)
    expect(first, first.stderr).toMatchObject({ code: 0 })
    const table = await exported(environment)
    expect(table).toEqual(expected(path))
    const again = await runCli(replayArgs(path), environment)
    expect(again, again.stderr).toMatchObject({ code: 0 })
    expect(again.stderr).toMatch(/used=0 /)
    expect(await exported(environment)).toEqual(table)
  }, 180_000)

  it("Kraken's trades equal the oracle, and the exchange's own 409 candles with the fill", async () => {
    const environment = await fresh()
    const path = sharedData(files.kraken)
    const result = await runCli(replayArgs(path), environment)
    expect(result, result.stderr).toMatchObject({ code: 0 })
    expect(await exported(environment)).toEqual(expected(path))
    const ours = new Map(
      (await exported(environment, '--interval', '1m', '--symbol', 'XBTUSDT', '--fill', 'previous_close')).map(
        (row) => [row.start, row],
      ),
    )
    const theirs = readExchangeCandles(sharedData('data/kraken_spot_XBTUSDT_ohlc_1m_20251110.csv.gz'))
    const starts = [...ours.keys()].sort((a, b) => a - b).slice(1, -1)
    const compared = theirs.filter((row) => starts.includes(row.start))
    expect(compared).toHaveLength(409)
    expect(compared.filter((row) => row.trades > 0)).toHaveLength(272)
    for (const row of compared) {
      const own = ours.get(row.start)
      const { open, high, low, close, trades } = row
      expect(own, `minute ${row.start}`).toMatchObject({ open, high, low, close, trades })
      expect(Number(own?.volume.toFixed(8))).toBe(row.volume)
      if (trades > 0) expect(Math.abs((own?.vwap ?? Number.NaN) - row.vwap)).toBeLessThanOrEqual(0.1)
    }
  }, 180_000)

  it(`the first ${equityTrades} trades of one equity's week, killed twice on the way, equal the oracle`, async () => {
    const environment = await fresh()
    const path = await firstTrades(sharedData(files.bac), equityTrades, join(dir, 'equity.csv'))
    for (const waitMs of [700, 1600]) {
      const run = startCli(replayArgs(path), environment)
      await run.sees(/partitions assigned/)
      await new Promise((resolve) => setTimeout(resolve, waitMs))
      run.process.kill('SIGKILL')
      await run.ended
    }
    const last = await runCli(replayArgs(path), environment)
    expect(last, last.stderr).toMatchObject({ code: 0 })
    expect(await exported(environment)).toEqual(expected(path))
  }, 300_000)
}

interface ExchangeCandle {
  readonly start: number
  readonly open: number
  readonly high: number
  readonly low: number
  readonly close: number
  readonly volume: number
  readonly vwap: number
  readonly trades: number
}

function readExchangeCandles(path: string): ExchangeCandle[] {
  const text = gunzipSync(readFileSync(path)).toString('utf8')
  return text
    .trimEnd()
    .split('\n')
    .slice(1)
    .map((line) => {
      const [, start, open, high, low, close, volume, vwap, trades] = line.split(',').map(Number)
      const values = { start, open, high, low, close, volume, vwap, trades }
      return Object.fromEntries(
        Object.entries(values).map(([name, value]) => [name, value ?? Number.NaN]),
      ) as unknown as ExchangeCandle
    })
}

import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
