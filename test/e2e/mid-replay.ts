import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { decimalText } from '../../schemas/decimal-text.ts'
import { startCli } from '../cli.ts'
import { oracleCandles } from '../oracle.ts'
import { sharedData } from '../shared-data.ts'
import { type StrictClient, subscribeStrictly } from '../stream-client.ts'
import { readTrades } from '../trades.ts'
import type { Profile } from './real-input.ts'

const intervals = { '1m': 60, '5m': 300, '1h': 3600 } as const

async function symbolsKnown(url: string, count: number): Promise<void> {
  for (let i = 0; i < 300; i++) {
    const answer = (await (await fetch(`${url}/v1/symbols`)).json()) as { symbols: unknown[] }
    if (answer.symbols.length >= count) return
    await sleep(100)
  }
  throw new Error(`not ${count} symbols within 30 s`)
}

/** Clients that come in the middle of a replay see a snapshot, then contiguous updates; their finals equal the table. */
export function midReplaySuite(makeProfile: (dir: string) => Promise<Profile>, workers = 1): void {
  let dir: string
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'redwick-mid-'))
  })
  afterAll(() => rm(dir, { recursive: true, force: true }))

  it(`clients that subscribe at different moments of a replay hold the table at its end (workers: ${workers})`, async () => {
    const profile = await makeProfile(dir)
    const path = sharedData('data/binance_mixed_arrival_order_20240808-09.csv.gz')
    const ticks = readTrades(path)
    const symbols = [...new Set(ticks.map((tick) => tick.symbol))]
    const run = startCli(
      ['topology', '--feed', 'replay', '--replay-file', path, '--replay-speed', '100', '--workers', String(workers)],
      profile.environment,
    )
    try {
      const url = (await run.sees(/ready at (\S+)/))[1] ?? ''
      await symbolsKnown(url, symbols.length)
      const clients: StrictClient[] = []
      for (let i = 0; i < 6; i++) {
        await sleep(i === 0 ? 0 : 900)
        clients.push(await subscribeStrictly(url, symbols, Object.keys(intervals)))
      }
      await run.sees(/records {2}used=78638/, 120_000)
      await sleep(1500)
      const table = new Map(
        oracleCandles(ticks, Object.values(intervals)).map((row) => [
          `${row.symbol} ${row.interval} ${row.start}`,
          [row.start, ...[row.open, row.high, row.low, row.close, row.volume].map(decimalText), row.trades],
        ]),
      )
      for (const client of clients) {
        expect(client.violations).toEqual([])
        expect(client.channels.size).toBe(symbols.length * Object.keys(intervals).length)
        const held = [...client.channels.values()].flatMap((channel) =>
          [...channel.finals.values()].map((row): [string, unknown] => {
            const seconds = intervals[channel.interval as keyof typeof intervals]
            return [`${channel.symbol} ${seconds} ${row[0]}`, row]
          }),
        )
        expect(new Map(held)).toEqual(table)
        client.close()
      }
      // The replay is faster than any one client's subscription: at least the first must have lived through updates.
      const updates =
        clients[0] === undefined
          ? 0
          : [...clients[0].channels.values()].reduce((sum, channel) => sum + channel.updates, 0)
      expect(updates).toBeGreaterThan(100)
      // What threads of their own count is on the one page.
      const metrics = await (await fetch(`${url}/metrics`)).text()
      expect(metrics).toMatch(/^redwick_checkpoint_seconds_count [1-9]/m)
      expect(metrics).toContain('redwick_records_total{result="used"} 78638')
    } finally {
      run.process.kill('SIGTERM')
      await run.ended
      await profile.drop()
    }
  }, 180_000)
}
