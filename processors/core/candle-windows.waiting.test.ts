import { expect, it } from 'vitest'
import type { LogEntry } from '../../test/column-log.ts'
import { end, history, minute, tick } from '../../test/log-entries.ts'
import { createTestPipeline, type Emitted, type TestPipeline } from '../../test/pipeline.ts'

/** A pipeline behind a commit of `entries`, to which a marker brings trades at `times`. */
function marked(entries: readonly LogEntry[], from: number, to: number, times: readonly number[]): TestPipeline {
  const pipeline = createTestPipeline()
  pipeline.feed(entries)
  const { emitted } = pipeline.barrier(true)
  pipeline.feed([
    history(
      from,
      to,
      times,
      1,
      emitted.map(({ candle }) => candle),
    ),
  ])
  return pipeline
}
const fives = (emitted: readonly Emitted[]): unknown[] =>
  emitted
    .filter(({ candle }) => candle.interval === 300)
    .map(({ kind, candle }) => [kind, candle.start / minute, candle.trades, candle.closedBy])

it('a window of history that waits for its time is told once by a pulse, and not when it is closed', () => {
  const pipeline = marked([tick(1000)], 10 * minute, 11 * minute, [10 * minute])
  expect(fives(pipeline.pulse())).toContainEqual(['update', 10, 1, 'open'])
  pipeline.feed([tick(1001)])
  expect(fives(pipeline.pulse())).toEqual([['update', 0, 2, 'open']])
  pipeline.feed([end(), tick(1002)])
  expect(fives(pipeline.pulse())).toEqual([['update', 0, 3, 'open']])
  // What the end closed is committed as it was closed: a tick has opened it again since.
  expect(fives(pipeline.barrier().emitted)).toEqual([
    ['final', 0, 2, 'end'],
    ['final', 10, 1, 'end'],
  ])
})

it('a window that the end of its line has closed stays so when history settles all of it', () => {
  const pipeline = marked([tick(1000), end()], 0, 5 * minute, [1000, 61_000])
  expect(fives(pipeline.barrier().emitted)).toEqual([['correction', 0, 2, 'end']])
})

it('open candles of history that waits are those of their interval', () => {
  const pipeline = marked([tick(1000)], 100 * minute, 101 * minute, [100 * minute])
  const starts = (seconds: number): number[] => pipeline.openCandles('A', seconds).map(({ start }) => start / minute)
  expect([starts(300), starts(900), starts(3600)]).toEqual([
    [0, 100],
    [0, 90],
    [0, 60],
  ])
})

it.each([
  { name: 'with a hole in its trade ids', ids: [1, 3], isPartial: true },
  { name: 'without one', ids: [1, 2], isPartial: false },
])('a window of five minutes over a live minute $name is partial: $isPartial', ({ ids, isPartial }) => {
  const pipeline = createTestPipeline({ candles: { consecutiveIds: true } })
  pipeline.feed(ids.map((tradeId) => tick(4 * minute + tradeId, { tradeId })))
  pipeline.feed([tick(5 * minute + 500, { tradeId: 4 })])
  const { emitted } = pipeline.barrier()
  expect(emitted.map(({ candle }) => [candle.interval, candle.partial])).toEqual([
    [60, isPartial],
    [300, isPartial],
  ])
})

it('a window that is alive when history empties it stays at its last price, whatever symbols there are', () => {
  const others = [tick(1000, { symbol: 'B', price: 7 }), tick(1000, { symbol: 'C', price: 8 })]
  const pipeline = marked([...others, tick(1000), tick(400_000)], 0, 5 * minute, [])
  const [candle] = pipeline
    .barrier()
    .emitted.filter(({ candle }) => candle.interval === 300)
    .map(({ candle }) => candle)
  expect(candle).toMatchObject({ symbol: 'A', fill: 'quiet', open: 100, high: 100, low: 100, close: 100, trades: 0 })
})
