import { expect, it } from 'vitest'
import { ofTrades, tradeAt } from '../../test/segments.ts'
import { historySpans } from './history-spans.ts'

const minute = 60_000
const sizes = [minute, 5 * minute, 60 * minute]
const segment = (fromMinute: number, toMinute: number, symbol = 'A') =>
  ofTrades([], { symbol, bucketFrom: fromMinute * minute, bucketTo: toMinute * minute })
const spans = (...segments: Parameters<typeof historySpans>[0]): unknown[] =>
  historySpans(segments, sizes).map(({ symbol, interval, from, to }) => [symbol, interval, from / minute, to / minute])

it('segments need every interval over whole windows of the longest', () => {
  expect(spans(segment(70, 71))).toEqual([
    ['A', 60, 60, 120],
    ['A', 300, 60, 120],
    ['A', 3600, 60, 120],
  ])
  expect(spans(segment(59, 121)).at(0)).toEqual(['A', 60, 0, 180])
  expect(spans(segment(60, 120)).at(0)).toEqual(['A', 60, 60, 120])
  expect(spans(segment(-1, 0)).at(0)).toEqual(['A', 60, -60, 0])
})

it('segments of one symbol need what touches once, and each symbol its own', () => {
  const hours = spans(segment(0, 1), segment(70, 71), segment(0, 1, 'B'), segment(180, 181)).filter(
    (span) => Array.isArray(span) && span[1] === 3600,
  )
  expect(hours).toEqual([
    ['A', 3600, 0, 120],
    ['A', 3600, 180, 240],
    ['B', 3600, 0, 60],
  ])
})

it('a segment that will be refused needs nothing', () => {
  expect(spans(segment(1, 1), ofTrades([tradeAt(-1)]))).toEqual([])
})
