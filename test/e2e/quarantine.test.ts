import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { CandleStore } from '../../ports/candle-store.ts'
import { createCandleColumns } from '../../schemas/candle-columns.ts'
import { partitionOfKey } from '../../schemas/partitioner.ts'
import { createPgliteStore } from '../../sinks/pglite/pglite-store.ts'
import { packStates } from '../../topology/packed-state.ts'
import { type CliResult, runCli } from '../cli.ts'

const minute = Date.UTC(2026, 0, 1, 12)
const trades = (fromSecond: number, firstId: number): string =>
  [
    'symbol,ts_ms,price,size,side,trade_id',
    ...Array.from({ length: 60 }, (_, i) => {
      const at = minute + (fromSecond + i * 7) * 1000
      return [
        `BTC-USDT,${at},${100 + (i % 13)},0.1,buy,${firstId + i}`,
        `ETH-USDT,${at},${200 + (i % 7)},1,sell,${firstId + i}`,
      ]
    }).flat(),
    '',
  ].join('\n')

/** Holds a key where the store stands, as an engine does whose step threw. */
async function hold(store: CandleStore, symbol: string): Promise<void> {
  const [topic] = await store.committedTopics('candles')
  if (topic === undefined) throw new Error('nothing was committed')
  const own = [partitionOfKey(symbol, topic.partitions)]
  const checkpoints = await store.takeover('candles', topic, own, Date.now())
  const symbols = await store.symbols()
  if (!symbols.some((one) => one.symbol === symbol)) throw new Error('the key is not stored')
  await store.commit({
    topology: 'candles',
    topic: topic.topic,
    partitions: checkpoints.map(({ partition, epoch, nextOffset, commitNo, lastSeq, states }) => ({
      ...{ partition, epoch, previousOffset: nextOffset, nextOffset, commitNo, lastSeq },
      ...{ state: new Uint8Array(), stateFull: false, outbox: undefined, outboxAckedThrough: commitNo },
      ...{ candles: createCandleColumns(1), symbolName: () => '', deadLetters: [], lateRanges: [] },
      held: [
        {
          symbol,
          heldFrom: nextOffset,
          failedAt: nextOffset,
          error: 'faulty',
          historyFrom: 0,
          state: packStates(states),
        },
      ],
    })),
  })
}

describe('npm run quarantine, over replayed files', { timeout: 240_000 }, () => {
  let dir: string
  const run = (home: string, ...args: readonly string[]): Promise<CliResult> =>
    runCli(args, { DATA_DIR: join(dir, home) })
  const replay = async (home: string, file: string): Promise<CliResult> => {
    const told = await run(home, 'replay', join(dir, file), '--speed', 'max', '--until-end')
    expect(told, told.stderr).toMatchObject({ code: 0 })
    return told
  }
  const exported = async (home: string): Promise<string> => {
    const told = await run(home, 'export', '--out', '-')
    expect(told, told.stderr).toMatchObject({ code: 0 })
    return told.stdout
  }
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'redwick-held-'))
    await writeFile(join(dir, 'one.csv'), trades(0, 1))
    await writeFile(join(dir, 'two.csv'), trades(440, 61))
  })
  afterAll(() => rm(dir, { recursive: true, force: true }))

  it('a held key is listed and stands still; after its release the table is as if it never was', async () => {
    for (const file of ['one.csv', 'two.csv']) await replay('clean', file)
    await replay('held', 'one.csv')
    expect((await run('held', 'quarantine', 'list')).stdout).toBe('')
    const store = await createPgliteStore({ dir: join(dir, 'held', 'store') })
    await hold(store, 'BTC-USDT').finally(() => store.close())
    expect((await replay('held', 'two.csv')).stderr).toMatch(/held=60/)
    const listed = await run('held', 'quarantine', 'list')
    expect(listed.stdout).toMatch(/^BTC-USDT held in partition \d from offset \d+: at \d+ faulty$/m)
    const of = (text: string, symbol: string) => text.split('\n').filter((line) => line.startsWith(symbol))
    const clean = await exported('clean')
    const held = await exported('held')
    expect(of(held, 'ETH')).toEqual(of(clean, 'ETH'))
    expect(of(held, 'BTC').length).toBeLessThan(of(clean, 'BTC').length)
    const released = await run('held', 'quarantine', 'release', 'BTC-USDT')
    expect(released, released.stderr).toMatchObject({ code: 0 })
    expect(released.stdout).toMatch(/^release of BTC-USDT written at ticks\/\d@\d+$/m)
    await replay('held', 'two.csv')
    expect((await run('held', 'quarantine', 'list', '--json')).stdout).not.toContain('BTC-USDT')
    expect(await exported('held')).toBe(clean)
  })

  it('a key that is not held cannot be released', async () => {
    const told = await run('none', 'quarantine', 'release', 'BTC-USDT')
    expect(told).toMatchObject({ code: 1, stdout: '' })
    expect(told.stderr).toMatch(/^NOT_HELD: BTC-USDT is not held\nWhy: .*\nTry: see: npm run quarantine -- list/)
  })
})
