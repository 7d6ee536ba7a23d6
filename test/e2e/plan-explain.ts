import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type CliResult, type Environment, runCli } from '../cli.ts'

const minute = Date.UTC(2026, 0, 1, 12)
const at = (seconds: number): number => minute + seconds * 1000
const rows = [
  `BTC-USDT,${at(1)},100,1,buy,1`,
  `BTC-USDT,${at(10)},105,2,sell,2`,
  `BTC-USDT,${at(10)},105,2,sell,2`,
  `BTC-USDT,${at(20)},-1,2,sell,3`,
  `BTC-USDT,${at(59)},101,1,buy,4`,
  `BTC-USDT,${at(61)},102,1,buy,5`,
  `BTC-USDT,${at(30)},90,1,buy,6`,
  `BTC-USDT,${at(400)},110,1,buy,7`,
  `BTC-USDT,${at(40)},80,1,buy,8`,
  `ETH-USDT,${at(401)},2000,3,buy,1`,
]

/** Where the commands run, and the store's own SQL while no process has it open. */
export interface TamperedProfile {
  readonly environment: Environment
  tamper(sql: string): Promise<void>
  drop(): Promise<void>
}

/** plan and explain at the command line, over a replayed file and a store that was changed behind their back. */
export function planExplainSuite(open: (dir: string) => Promise<TamperedProfile>): void {
  let dir: string
  let profile: TamperedProfile
  const run = (...args: readonly string[]): Promise<CliResult> => runCli(args, profile.environment)
  const explain = (...args: readonly string[]): Promise<CliResult> => run('explain', 'BTC-USDT', ...args)
  const tamper = (sql: string): Promise<void> => profile.tamper(sql)

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'redwick-plan-'))
    profile = await open(join(dir, 'data'))
    const file = join(dir, 'trades.csv')
    await writeFile(file, ['symbol,ts_ms,price,size,side,trade_id', ...rows, ''].join('\n'))
    const replayed = await run('replay', file, '--speed', 'max', '--until-end')
    expect(replayed, replayed.stderr).toMatchObject({ code: 0 })
    expect(replayed.stderr).toMatch(/used=7 late=1 duplicate=1 rejected=1/)
  })
  afterAll(async () => {
    await profile.drop()
    await rm(dir, { recursive: true, force: true })
  })

  describe('plan and explain, over a replayed file', { timeout: 180_000 }, () => {
    it('the same topology is unchanged, and would change no candle', async () => {
      const plan = await run('plan', '--replay', '1h')
      expect(plan, plan.stderr).toMatchObject({ code: 0 })
      expect(plan.stdout).toMatch(/^topology candles {2}[0-9a-f]{16} {2}last ran \d{4}-/)
      expect(plan.stdout).toMatch(/^unchanged: it may run$/m)
      expect(plan.stdout).toMatch(/^replay of .*: read (\d+) of \1 committed records that the log holds$/m)
      expect(plan.stdout).toMatch(/^0 of \d\d stored candles would differ$/m)
    })

    it('a candle is told with its late, repeated and refused ticks, and is equal', async () => {
      const told = await explain('1m', '2026-01-01T12:00Z')
      expect(told, told.stderr).toMatchObject({ code: 0 })
      expect(told.stdout).toMatch(/ticks used: 4, offsets/)
      expect(told.stdout).toMatch(
        /late: 1, .*\n.* 80 x 1 {2}buy {2}id 8 {2}the watermark was at 2026-01-01T12:06:39.499Z/,
      )
      expect(told.stdout).toMatch(/duplicate: 1, .*\n.* id 2 {2}first at offset \d+/)
      expect(told.stdout).toMatch(/rejected: 1, .*\n.* BAD_PRICE/)
      expect(told.stdout).toMatch(/closed by watermark at offset \d+ .*; 1 ticks came after it, as corrections/)
      expect(told.stdout).toMatch(/open 100 {2}high 105 {2}low 90 {2}close 101 {2}volume 5 .*trades 4/)
      expect(told.stdout.trimEnd()).toMatch(/verdict: equal$/)
      const json = JSON.parse((await explain('5m', '2026-01-01T12:04:59Z', '--json')).stdout) as Record<string, unknown>
      expect(json).toMatchObject({ verdict: 'equal', interval: 300, computed: { trades: 5 }, used: { count: 5 } })
      expect(json['bases']).toMatchObject([{ trades: 4 }, { trades: 1 }])
    })

    it('a row that was changed behind our back is found, by field, with exit 1; plan --replay lists it', async () => {
      const where = `symbol = 'BTC-USDT' AND "interval" = 60 AND bucket = timestamptz '2026-01-01T12:00Z'`
      await tamper(`UPDATE candles SET high = 106 WHERE ${where}`)
      try {
        const told = await explain('1m', '2026-01-01T12:00Z')
        expect(told).toMatchObject({ code: 1, stderr: '' })
        expect(told.stdout).toMatch(/ {2}high: stored 106, the log gives 105\nverdict: different\n$/)
        const plan = await run('plan', '--replay', '10m', '--json')
        expect(plan.code).toBe(0)
        expect(JSON.parse(plan.stdout)).toMatchObject({
          verdict: 'unchanged',
          replay: {
            changed: 1,
            candles: [
              { interval: 60, start: minute, differences: [{ field: 'high', stored: '106', computed: '105' }] },
            ],
          },
        })
      } finally {
        await tamper(`UPDATE candles SET high = 105 WHERE ${where}`)
      }
    })

    it('a database from before declarations were kept is migrated, and the next start keeps its own', async () => {
      await tamper(`DROP TABLE topologies; DELETE FROM redwick_migrations WHERE name = '002-topologies.sql'`)
      const plan = await run('plan')
      expect(plan, plan.stderr).toMatchObject({ code: 0 })
      expect(plan.stdout).toMatch(/what ran here kept no declaration: nothing can be compared/)
      const start = await run('topology', '--feed', 'none', '--until-end')
      expect(start, start.stderr).toMatchObject({ code: 0 })
      expect((await run('plan')).stdout).toMatch(/^unchanged: it may run$/m)
    })

    it('a declaration that would orphan state is refused by plan and by the start', async () => {
      const swap = (from: string, to: string) =>
        tamper(`UPDATE topologies SET declaration = replace(declaration, '${from}', '${to}')`)
      await swap('"id":"by-trade"', '"id":"by-name"')
      try {
        const plan = await run('plan')
        expect(plan).toMatchObject({ code: 1, stderr: '' })
        expect(plan.stdout).toMatch(
          /- removed\n +REFUSED: the state under the id 'by-name' would be orphaned; was it renamed to 'by-trade'\?/,
        )
        expect(plan.stdout).toMatch(/^Try: /m)
        const start = await run('topology', '--feed', 'none', '--until-end')
        expect(start.code).toBe(78)
        expect(start.stderr.trimEnd().split('\n').slice(-3)).toEqual([
          expect.stringMatching(/^STATE_INCOMPATIBLE: topology candles /),
          expect.stringMatching(/^Why: deduplicate 'by-name': the state .* orphaned/),
          expect.stringMatching(/^Try: npm run plan /),
        ])
      } finally {
        await swap('"id":"by-name"', '"id":"by-trade"')
      }
    })
  })
}
