import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { storedIntervals } from '../../schemas/intervals.ts'
import { replayArgs, runCli, startCli } from '../cli.ts'
import { oracleCandles } from '../oracle.ts'
import { describeServices } from '../services/services.ts'
import { describeData, sharedData } from '../shared-data.ts'
import { type ExportedCandle, parseExport, readTrades } from '../trades.ts'
import { serviceProfile } from './profiles.ts'
import type { Profile } from './real-input.ts'

const compared = ['symbol', 'start', 'open', 'high', 'low', 'close', 'volume', 'quoteVolume', 'trades'] as const

// A reduced count here; `npm run proof -- kill-nine` runs 20.
const kills = Number(process.env['KILLS'] ?? 1)

/** What an exported candle and the oracle's have in common. */
function content<Row extends Pick<ExportedCandle, (typeof compared)[number]>>(row: Row) {
  return Object.fromEntries(compared.map((name) => [name, row[name]]))
}

function suite(makeProfile: (dir: string) => Promise<Profile>): void {
  it(
    `a replay killed ${kills} times at random moments ends with the oracle's table`,
    async () => {
      const dir = await mkdtemp(join(tmpdir(), 'redwick-kill-'))
      const profile = await makeProfile(dir)
      try {
        const path = sharedData('data/binance_mixed_arrival_order_20240808-09.csv.gz')
        const moments: number[] = []
        for (let i = 0; i < kills; i++) {
          // Slow enough to be caught in the middle, in the start as well as between and in commits.
          const run = startCli(replayArgs(path, '200'), profile.environment)
          await run.sees(i % 4 === 3 ? /ready at/ : /partitions assigned/)
          const waitMs = Math.floor(Math.random() * 2500)
          moments.push(waitMs)
          await sleep(waitMs)
          run.process.kill('SIGKILL')
          expect((await run.ended).signal ?? 'ended before').toMatch(/SIGKILL|ended before/)
        }
        console.log(`killed ${kills} times, after ${moments.join(', ')} ms`)
        const last = await runCli(replayArgs(path), profile.environment)
        expect(last, last.stderr).toMatchObject({ code: 0 })
        const exported = await runCli(['export', '--out', '-'], profile.environment)
        const got = parseExport(exported.stdout).map(content)
        const expected = oracleCandles(readTrades(path), Object.values(storedIntervals)).map(content)
        expect(got).toEqual(expected)
      } finally {
        await profile.drop()
        await rm(dir, { recursive: true, force: true })
      }
    },
    120_000 + kills * 30_000,
  )
}

describeData('kill -9 on the embedded profile', () => {
  suite(async (dir) => ({ environment: { DATA_DIR: dir }, drop: async () => undefined }))
})

describeServices(
  ['kafka', 'registry', 'postgres', 'redis'],
  'kill -9 on Kafka, Apicurio, PostgreSQL and Redis',
  (services) => {
    describeData('real input', () => {
      suite((dir) => serviceProfile(services, dir))
    })
  },
)
