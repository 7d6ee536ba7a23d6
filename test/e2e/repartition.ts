import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type CliResult, runCli } from '../cli.ts'
import type { Profile } from './real-input.ts'

const noon = Date.UTC(2026, 0, 1, 12)
const symbols = ['BTC-USDT', 'ETH-USDT', 'SOL-USDT', 'ADA-USDT', 'XRP-USDT', 'DOGE-USDT', 'LTC-USDT', 'DOT-USDT']

/** Trades of all symbols each 7 s, the last of the file before first: known already. */
const trades = (file: number): string => {
  const rows = Array.from({ length: 60 }, (_, i) =>
    symbols.map((symbol, s) => {
      const id = file * 55 + i + 1
      return `${symbol},${noon + (id * 7 + s) * 1000},${100 + ((id + s) % 13)},0.${1 + s},${id % 3 === 0 ? 'buy' : 'sell'},${id}`
    }),
  )
  return ['symbol,ts_ms,price,size,side,trade_id', ...rows.flat(), ''].join('\n')
}
const files = 2
const timeout = 120_000
const embedded = async (dir: string): Promise<Profile> => ({
  environment: { DATA_DIR: dir },
  drop: async () => undefined,
})

/** More partitions between runs: the table is as if there had been as many all the time. */
export function repartitionSuite(open: (dir: string) => Promise<Profile> = embedded): void {
  let dir: string
  const profiles: Profile[] = []
  const opened = async (name: string, by = open): Promise<(...args: readonly string[]) => Promise<CliResult>> => {
    const profile = await by(join(dir, name))
    profiles.push(profile)
    return (...args) => runCli(args, { TICKS_PARTITIONS: '2', ...profile.environment })
  }
  type Run = Awaited<ReturnType<typeof opened>>
  const replayed = async (run: Run, file: number): Promise<string> => {
    const told = await run('replay', join(dir, `${file}.csv`), '--speed', 'max', '--until-end')
    expect(told, told.stderr).toMatchObject({ code: 0 })
    return told.stderr
  }
  const exported = async (run: Run): Promise<string> => {
    const told = await run('export', '--out', '-')
    expect(told, told.stderr).toMatchObject({ code: 0 })
    return told.stdout
  }
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'redwick-repartition-'))
    for (let file = 0; file < files; file++) await writeFile(join(dir, `${file}.csv`), trades(file))
  })
  afterAll(async () => {
    for (const profile of profiles) await profile.drop()
    await rm(dir, { recursive: true, force: true })
  })

  it('ends with the table of a run without it', { timeout }, async () => {
    const [still, grown] = [await opened('still', embedded), await opened('grown')]
    const refused = await grown('repartition', '--partitions', '4')
    expect(refused).toMatchObject({ code: 78, stdout: '' })
    expect(refused.stderr).toMatch(/^NOT_REPARTITIONED: .*\nWhy: nothing was read of .*ticks yet\nTry: /)
    expect(await replayed(grown, 0)).not.toMatch(/WRONG_PARTITION|checkpoint failed/)
    for (const [from, to] of [
      [2, 4],
      [4, 8],
    ]) {
      const told = await grown('repartition', '--partitions', String(to))
      expect(told, told.stderr).toMatchObject({ code: 0 })
      expect(told.stdout).toMatch(new RegExp(`ticks: ${from} -> ${to} partitions\n$`))
    }
    expect(await replayed(grown, 1)).not.toMatch(/WRONG_PARTITION|checkpoint failed/)
    for (let file = 0; file < files; file++) await replayed(still, file)
    const table = await exported(still)
    expect(table.split('\n').length).toBeGreaterThan(symbols.length * 10)
    expect(await exported(grown)).toBe(table)
    // A file that is known to its last row changes nothing.
    expect(await replayed(grown, 1)).toMatch(/used=0/)
  })
}
