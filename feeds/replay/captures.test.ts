import { expect, it } from 'vitest'
import { describeData, sharedData } from '../../test/shared-data.ts'
import { createManualClock, createRecordedOutput } from '../recorded-output.ts'
import { createReplayFeed } from './replay-feed.ts'

async function replayed(path: string) {
  const output = createRecordedOutput(4)
  const clock = createManualClock(Date.UTC(2026, 0, 1))
  const log = () => undefined
  const file = sharedData(path)
  const feed = createReplayFeed({ file, speed: 'max', ids: 'auto', clock, outOfOrdernessMs: 500, log })
  const summary = await feed.run(output, { cursors: new Map() }, new AbortController().signal)
  return { summary, ticks: output.ticks() }
}

describeData('recorded data', () => {
  // Counted apart from the code: `zcat | grep -c` for frames (Kraken's: the rows of its 8), `wc -l` less the header for rows.
  it.each([
    { file: 'data/binance_mixed_arrival_order_20240808-09.csv.gz', ticks: 78_638, idOrder: 'monotonic' },
    { file: 'data/kraken_spot_XBTUSDT_trades_20251110.csv.gz', ticks: 1_000, idOrder: 'monotonic' },
    { file: 'data/us_equity_BAC_trades_20131007-11.csv.gz', ticks: 573_620, idOrder: 'unordered' },
    { file: 'data/captures/hftbacktest_spot_btcusdt_20240808.gz', ticks: 9_757, idOrder: 'monotonic' },
    { file: 'data/captures/cryptofeed_BINANCE.ws.1.0.gz', ticks: 2, idOrder: 'monotonic' },
    { file: 'data/captures/cryptofeed_COINBASE.ws.28.0.gz', ticks: 107, idOrder: 'monotonic' },
    { file: 'data/captures/cryptofeed_KRAKEN.ws.48.0.gz', ticks: 10, idOrder: 'unordered' },
  ])('$file has $ticks trades and nothing refused', async ({ file, ticks, idOrder }) => {
    const read = await replayed(file)
    expect(read.summary).toEqual({ ticks, refused: 0 })
    expect(read.ticks.every((tick) => tick.idOrder === idOrder)).toBe(true)
    expect(new Set(read.ticks.map((tick) => `${tick.symbol} ${tick.tradeId}`)).size).toBe(ticks)
  })
})
