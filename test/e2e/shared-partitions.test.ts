import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { type RunningCli, replayArgs, runCli, startCli } from '../cli.ts'
import { describeServices } from '../services/services.ts'
import { parseExport } from '../trades.ts'
import { serviceProfile } from './profiles.ts'

const limitMs = 60_000
const trades = 6000

// One symbol a file, each on a later day: most partitions stay empty, and none has a tick behind its time.
async function writeTrades(path: string, symbol: string, day: number): Promise<void> {
  const start = Date.UTC(2026, 0, day)
  const rows = Array.from({ length: trades }, (_, i) => `${symbol},${start + i * 100},10.5,1,buy,${i + 1}`)
  await writeFile(path, `symbol,ts_ms,price,size,side,trade_id\n${rows.join('\n')}\n`)
}

describeServices(['kafka', 'registry', 'postgres', 'redis'], 'a group of two processes', (services) => {
  it('a replay that shares its partitions with an engine elsewhere ends when all is committed', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'redwick-shared-'))
    const { environment, drop } = await serviceProfile(services, dir)
    const running: RunningCli[] = []
    try {
      const replay = async (symbol: string, day: number): Promise<readonly number[]> => {
        const file = join(dir, `${symbol}.csv`)
        await writeTrades(file, symbol, day)
        const run = await runCli(replayArgs(file), environment)
        expect(run, run.stderr).toMatchObject({ code: 0 })
        return JSON.parse(run.stderr.match(/partitions assigned {2}partitions=(\S+)/)?.[1] ?? '[]') as number[]
      }
      // The first replay makes the topics.
      await replay('A', 1)
      const other = startCli(['topology', '--role', 'engine'], environment, limitMs)
      running.push(other)
      await other.sees(/partitions assigned/)
      for (const [i, symbol] of ['B', 'C'].entries()) expect(await replay(symbol, 2 + i)).toHaveLength(2)
      other.process.kill('SIGTERM')
      expect(await other.ended).toMatchObject({ code: 0 })
      const out = join(dir, 'out.csv')
      const exported = await runCli(['export', '--interval', '1m', '--out', out], environment)
      expect(exported, exported.stderr).toMatchObject({ code: 0 })
      const candles = parseExport(await readFile(out, 'utf8'))
      const counts = new Map<string, number>()
      for (const candle of candles) counts.set(candle.symbol, (counts.get(candle.symbol) ?? 0) + candle.trades)
      expect([...counts]).toEqual(['A', 'B', 'C'].map((symbol) => [symbol, trades]))
    } finally {
      for (const { process } of running) if (process.exitCode === null) process.kill('SIGKILL')
      await Promise.all(running.map(({ ended }) => ended))
      await drop()
      await rm(dir, { recursive: true, force: true })
    }
  }, 240_000)
})
