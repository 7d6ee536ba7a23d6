import { describe, expect, it } from 'vitest'
import { bucketsOfSegmentMax, type HistorySegment } from '../../schemas/history.ts'
import { candleAt, ofCandles, ofTrades, tradeAt } from '../../test/segments.ts'
import { bucketsOf, segmentProblem } from './segment-content.ts'
import { type WindowColumns, windowField, windowStatus } from './window-columns.ts'

const minute = 60_000
const problem = (segment: HistorySegment): string | undefined => segmentProblem(segment, minute)

describe('a segment is good', () => {
  it.each<{ name: string; segment: HistorySegment }>([
    { name: 'without content', segment: ofTrades([]) },
    { name: 'from its first instant to its last', segment: ofTrades([tradeAt(0), tradeAt(5 * minute - 1)]) },
    { name: 'of candles from its first bucket to its last', segment: ofCandles([candleAt(0), candleAt(4 * minute)]) },
    { name: 'of negative times', segment: ofTrades([tradeAt(-1)], { bucketFrom: -minute, bucketTo: 0 }) },
    { name: 'with the last of its parts', segment: ofTrades([], { part: 2, parts: 3 }) },
    { name: 'far from the first bucket', segment: ofTrades([], { bucketFrom: 6e9, bucketTo: 6e9 + minute }) },
    { name: 'with as many buckets as it may', segment: ofTrades([], { bucketTo: bucketsOfSegmentMax * minute }) },
    {
      name: 'with a candle that stood still',
      segment: ofCandles([
        candleAt(0, { open: 1, high: 1, low: 1, close: 1, volume: 0, quoteVolume: 0, buyVolume: 0, trades: 1 }),
      ]),
    },
  ])('$name', ({ segment }) => {
    expect(problem(segment)).toBeUndefined()
  })
})

describe('a segment is refused', () => {
  const trade = (over: Parameters<typeof tradeAt>[1]): HistorySegment => ofTrades([tradeAt(1), tradeAt(0, over)])
  const candle = (over: Parameters<typeof candleAt>[1]): HistorySegment =>
    ofCandles([candleAt(0), candleAt(minute, over)])
  it.each<{ name: string; segment: HistorySegment; says: string }>([
    { name: 'whose symbol is none', segment: ofTrades([], { symbol: ' ' }), says: 'its symbol is none' },
    { name: 'that begins within a bucket', segment: ofTrades([], { bucketFrom: 1 }), says: 'whole buckets' },
    { name: 'that ends within a bucket', segment: ofTrades([], { bucketTo: minute + 1 }), says: 'was 0 to 60001' },
    { name: 'that is empty', segment: ofTrades([], { bucketTo: 0 }), says: 'whole buckets of 60000 ms' },
    {
      name: 'of one bucket more than it may have',
      segment: ofTrades([], { bucketTo: (bucketsOfSegmentMax + 1) * minute }),
      says: 'at most 100000 buckets',
    },
    { name: 'whose part is none of its parts', segment: ofTrades([], { part: 1 }), says: 'was 1 of 1' },
    { name: 'whose part is negative', segment: ofTrades([], { part: -1 }), says: 'was -1 of 1' },
    { name: 'with a trade before it', segment: ofTrades([tradeAt(1), tradeAt(-1)]), says: 'one was at -1' },
    { name: 'with a trade behind it', segment: ofTrades([tradeAt(5 * minute)]), says: 'one was at 300000' },
    { name: 'with a candle before it', segment: ofCandles([candleAt(-minute)]), says: 'one was at -60000' },
    { name: 'with a candle behind it', segment: ofCandles([candleAt(5 * minute)]), says: 'one was at 300000' },
    {
      name: 'with two candles of a bucket',
      segment: ofCandles([candleAt(0), candleAt(0)]),
      says: 'one candle for a bucket',
    },
    { name: 'with a price of 0', segment: trade({ price: 0 }), says: 'a price is > 0 and < 1e100, was 0' },
    { name: 'with a price beyond all', segment: trade({ price: 1e100 }), says: 'a price is' },
    { name: 'with a price that is none', segment: trade({ price: Number.NaN }), says: 'was NaN' },
    { name: 'with a size of 0', segment: trade({ size: 0 }), says: 'a size is > 0 and < 1e100, was 0' },
    { name: 'with a size beyond all', segment: trade({ size: 1e100 }), says: 'a size is' },
    { name: 'with a candle that begins within its bucket', segment: candle({ start: minute + 1 }), says: 'was 60001' },
    { name: 'with a candle without an open', segment: candle({ open: 0 }), says: 'prices are > 0' },
    { name: 'with a candle without a high', segment: candle({ high: Number.NaN }), says: 'prices are > 0' },
    { name: 'with a candle without a low', segment: candle({ low: -1 }), says: 'prices are > 0' },
    { name: 'with a candle without a close', segment: candle({ close: 1e100 }), says: 'prices are > 0' },
    { name: 'that opens below its low', segment: candle({ open: 68 }), says: 'between low and high, at 60000' },
    { name: 'that opens above its high', segment: candle({ open: 72 }), says: 'between low and high' },
    { name: 'that closes below its low', segment: candle({ close: 68 }), says: 'between low and high' },
    { name: 'that closes above its high', segment: candle({ close: 72 }), says: 'between low and high' },
    { name: 'with a volume below 0', segment: candle({ volume: -1 }), says: 'sums are >= 0, at 60000' },
    { name: 'with a quote volume that is none', segment: candle({ quoteVolume: Number.NaN }), says: 'sums are' },
    { name: 'with a buy volume beyond all', segment: candle({ buyVolume: 1e200 }), says: 'sums are' },
    { name: 'with a candle without a trade', segment: candle({ trades: 0 }), says: 'at least one trade, at 60000' },
  ])('$name', ({ segment, says }) => {
    expect(problem(segment)).toContain(says)
  })
})

/** What a bucket holds, by the names of its fields. */
const contentOf = (columns: WindowColumns | undefined): Record<string, number | undefined> =>
  Object.fromEntries(Object.entries(windowField).map(([name, at]) => [name, columns?.values[at]]))

describe('the buckets of a segment', () => {
  it('are those in which something traded, each trade in its own, in the order of time', () => {
    const buckets = bucketsOf(
      ofTrades([
        tradeAt(minute + 9, { price: 60, side: 'buy', size: 1 }),
        tradeAt(minute, { price: 40, size: 0.1 }),
        tradeAt(minute - 1),
        tradeAt(3 * minute, { price: 0.1, size: 0.2, tradeId: 7, sequence: 8 }),
      ]),
      minute,
    )
    expect([...buckets.keys()].sort()).toEqual([0, 1, 3])
    expect([...buckets.values()].map(({ status }) => status[0])).toEqual([1, 2, 3].map(() => windowStatus.live))
    expect(contentOf(buckets.get(1))).toMatchObject({
      ...{ number: 1, open: 40, high: 60, low: 40, close: 60, openTime: minute, closeTime: minute + 9 },
      ...{ openId: minute, closeId: minute + 9, openSequence: minute, closeSequence: minute + 9 },
      ...{ volume: 1.1, quoteVolume: 64, buyVolume: 1, trades: 2 },
    })
    const { quoteVolume = 0, quoteVolumeLow = 0, ...rest } = contentOf(buckets.get(3))
    expect(rest).toMatchObject({ openId: 7, closeId: 7, openSequence: 8, closeSequence: 8, buyVolume: 0, trades: 1 })
    // 0.1 x 0.2 is no double: the rest of the product is kept.
    expect(quoteVolume).toBe(0.1 * 0.2)
    expect(quoteVolumeLow).not.toBe(0)
    expect(Math.abs(quoteVolumeLow)).toBeLessThan(2e-18)
  })
  it('count a trade of an id that came before once, as it came first', () => {
    const buckets = bucketsOf(ofTrades([tradeAt(1, { price: 1 }), tradeAt(1, { price: 9 })]), minute)
    expect(contentOf(buckets.get(0))).toMatchObject({ close: 1, trades: 1 })
  })
  it('are a venue’s candles as they are, from their first instant to their last', () => {
    const buckets = bucketsOf(ofCandles([candleAt(0), candleAt(2 * minute, { trades: 9 })]), minute)
    expect([...buckets.keys()]).toEqual([0, 2])
    expect(contentOf(buckets.get(2))).toMatchObject({
      ...{ number: 2, open: 70, high: 71, low: 69, close: 70.5, volume: 4, quoteVolume: 281, buyVolume: 1, trades: 9 },
      ...{ openTime: 2 * minute, closeTime: 3 * minute - 1, openId: -1, closeId: -1 },
    })
  })
})
