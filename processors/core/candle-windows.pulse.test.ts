import { describe, expect, it } from 'vitest'
import type { LogEntry } from '../../test/column-log.ts'
import { minute, tick } from '../../test/log-entries.ts'
import { createTestPipeline } from '../../test/pipeline.ts'

describe('updates of open candles', () => {
  it('are said at each pulse of what changed since the last, and of nothing else', () => {
    const pipeline = createTestPipeline()
    const pulsed = (...entries: readonly LogEntry[]): unknown[] => {
      pipeline.feed(entries)
      return pipeline
        .pulse()
        .filter(({ candle }) => candle.interval <= 300)
        .map(({ candle }) => [candle.interval, candle.start / minute, candle.trades])
    }
    expect(pulsed(tick(299_900), tick(300_000))).toEqual([
      [60, 4, 1],
      [60, 5, 1],
      [300, 0, 1],
      [300, 5, 1],
    ])
    expect(pulsed()).toEqual([])
    expect(pulsed(tick(300_001))).toEqual([
      [60, 5, 2],
      [300, 5, 2],
    ])
    expect(pulsed(tick(299_901))).toEqual([
      [60, 4, 2],
      [300, 0, 2],
    ])
  })
})

it('updates of more symbols than a pulse may say come with the next ones, each as it stands then', () => {
  const pipeline = createTestPipeline()
  const symbols = ['A', 'B', 'C', 'D', 'E']
  pipeline.feed(symbols.map((symbol) => tick(0, { symbol })))
  let cuts = 0
  const limit = {
    keysMax: 2,
    cut() {
      cuts += 1
    },
  }
  const pulsed = (): unknown[] =>
    pipeline
      .pulse(limit)
      .filter(({ candle }) => candle.interval === 60)
      .map(({ candle }) => [candle.symbol, candle.trades])
  expect([pulsed(), cuts]).toEqual([
    [
      ['A', 1],
      ['B', 1],
    ],
    1,
  ])
  pipeline.feed(['A', 'D'].map((symbol) => tick(1, { symbol })))
  expect([pulsed(), cuts]).toEqual([
    [
      ['A', 2],
      ['C', 1],
    ],
    2,
  ])
  expect([pulsed(), cuts]).toEqual([
    [
      ['D', 2],
      ['E', 1],
    ],
    2,
  ])
  expect([pulsed(), cuts]).toEqual([[], 2])
})

it('open candles ascend by start, wherever their places are', () => {
  const pipeline = createTestPipeline()
  // Of four places, the last and the first.
  pipeline.feed([tick(8 * minute), tick(8 * minute - 1)])
  expect(pipeline.openCandles('A', 60).map(({ start }) => start / minute)).toEqual([7, 8])
})
