import { describe, expect, it } from 'vitest'
import { candleAt, ofCandles, ofTrades, tradeAt } from '../../test/segments.ts'
import { createByteReader, createByteWriter } from './byte-buffer.ts'
import { createSegmentParts, type SegmentParts, segmentPartsMax } from './segment-parts.ts'

const part = (number: number, parts: number, id = 's') => ofTrades([tradeAt(number)], { id, part: number, parts })

function copyOf(parts: SegmentParts, itemsMax?: number): SegmentParts {
  const writer = createByteWriter()
  parts.write(writer)
  const copy = createSegmentParts(itemsMax)
  // What it held before is forgotten.
  copy.add(part(0, 2, 'before'))
  copy.read(createByteReader(writer.finish()))
  return copy
}

describe('parts of a segment', () => {
  it('are whole at once when there is one', () => {
    const parts = createSegmentParts()
    expect(parts.add(part(0, 1))).toEqual({ whole: part(0, 1), evicted: [] })
    expect(parts.size).toBe(0)
  })
  it('are joined in their order when the last has come, in whatever order, and are forgotten', () => {
    const parts = createSegmentParts()
    expect(parts.add(part(2, 3))).toEqual({ evicted: [] })
    expect(parts.add(part(0, 3))).toEqual({ evicted: [] })
    expect(parts.size).toBe(1)
    expect(parts.add(part(1, 3))).toEqual({ whole: ofTrades([0, 1, 2].map((at) => tradeAt(at))), evicted: [] })
    expect(parts.size).toBe(0)
    expect(parts.add(part(1, 3))).toEqual({ evicted: [] })
  })
  it('are joined of candles as well', () => {
    const parts = createSegmentParts()
    parts.add(ofCandles([candleAt(60_000)], { part: 1, parts: 2 }))
    expect(parts.add(ofCandles([candleAt(0)], { part: 0, parts: 2 }))).toEqual({
      whole: ofCandles([candleAt(0), candleAt(60_000)]),
      evicted: [],
    })
  })
  it('count once when they come again', () => {
    const parts = createSegmentParts(4)
    for (let i = 0; i < 10; i++) expect(parts.add(part(0, 2))).toEqual({ evicted: [] })
    expect(parts.add(part(0, 2, 'other'))).toEqual({ evicted: [] })
    expect(parts.size).toBe(2)
  })
  it('are as many as may be, and no more', () => {
    const parts = createSegmentParts()
    expect(parts.add(part(0, segmentPartsMax))).toEqual({ evicted: [] })
    expect(parts.add(part(0, segmentPartsMax + 1, 'more'))).toEqual({
      problem: `a segment has at most ${segmentPartsMax} parts`,
      evicted: [],
    })
    expect(parts.size).toBe(1)
  })
  it.each([
    { name: 'symbol', other: ofTrades([], { part: 1, parts: 2, symbol: 'B' }) },
    { name: 'begin', other: ofTrades([], { part: 1, parts: 2, bucketFrom: 60_000 }) },
    { name: 'end', other: ofTrades([], { part: 1, parts: 2, bucketTo: 60_000 }) },
    { name: 'number of parts', other: ofTrades([], { part: 1, parts: 3 }) },
    { name: 'kind', other: ofCandles([], { part: 1, parts: 2 }) },
  ])('are given up where one is of another $name', ({ other }) => {
    const parts = createSegmentParts(3)
    parts.add(part(0, 2))
    expect(parts.add(other)).toEqual({ problem: 'the parts of s are not of one segment', evicted: [] })
    expect(parts.size).toBe(0)
    // Nothing of it counts any longer.
    expect(parts.add(part(0, 2))).toEqual({ evicted: [] })
  })
})

describe('parts that wait', () => {
  it('are bounded by their items and their number: the oldest segment goes, never the one that grows', () => {
    const parts = createSegmentParts(4)
    expect(parts.add(part(0, 4, 'a')).evicted).toEqual([])
    expect(parts.add(part(0, 4, 'b')).evicted).toEqual([])
    expect(parts.add(part(0, 4, 'c')).evicted).toEqual([part(0, 4, 'a')])
    expect(parts.size).toBe(2)
    // b grows: c, which is younger, goes in its place.
    expect(parts.add(part(1, 4, 'b')).evicted).toEqual([part(0, 4, 'c')])
    expect(parts.add(part(2, 4, 'b')).evicted).toEqual([])
    expect(parts.size).toBe(1)
    expect(parts.add(part(3, 4, 'b')).whole).toEqual(
      ofTrades(
        [0, 1, 2, 3].map((at) => tradeAt(at)),
        { id: 'b' },
      ),
    )
    expect(parts.add(part(0, 4, 'd')).evicted).toEqual([])
    expect(parts.add(part(0, 4, 'e')).evicted).toEqual([])
    expect(parts.add(part(0, 4, 'f')).evicted).toEqual([part(0, 4, 'd')])
  })
  it('cost something when they are empty', () => {
    const parts = createSegmentParts(1)
    parts.add(ofTrades([], { id: 'a', parts: 2 }))
    expect(parts.add(ofCandles([], { id: 'b', parts: 2 })).evicted).toHaveLength(1)
  })
  it('go several at once where one is large', () => {
    const parts = createSegmentParts(5)
    parts.add(part(0, 2, 'a'))
    parts.add(part(0, 2, 'b'))
    const large = ofTrades([tradeAt(1), tradeAt(2), tradeAt(3), tradeAt(4)], { id: 'c', parts: 2 })
    expect(parts.add(large).evicted.map(({ id }) => id)).toEqual(['a', 'b'])
  })
})

describe('parts in state', () => {
  it('are what they were, of trades and of candles, and count as they did', () => {
    const parts = createSegmentParts(6)
    const trades = [tradeAt(1, { price: 3, size: 4, side: 'buy', tradeId: 5, sequence: 6 }), tradeAt(2)]
    const buy = ofTrades(trades, { id: 'a', symbol: 'B', bucketFrom: -60_000, bucketTo: 60_000, part: 1, parts: 2 })
    const own = candleAt(60_000, { open: 1, high: 2, low: 0.5, close: 1.5, volume: 8, quoteVolume: 9, trades: 10 })
    const candles = ofCandles([own], { id: 'b', part: 0, parts: 2 })
    parts.add(buy)
    parts.add(candles)
    const copy = copyOf(parts, 5)
    expect(copy.size).toBe(2)
    const rest = ofTrades([tradeAt(0)], { id: 'a', symbol: 'B', bucketFrom: -60_000, bucketTo: 60_000, parts: 2 })
    expect(copyOf(parts).add(rest).whole).toMatchObject({
      symbol: 'B',
      bucketFrom: -60_000,
      trades: [tradeAt(0), ...trades],
    })
    expect(copy.add(ofCandles([], { id: 'b', part: 1, parts: 2 })).whole).toEqual(ofCandles([own], { id: 'b' }))
    expect(copy.add(part(0, 2, 'c'))).toEqual({ evicted: [] })
    expect(copy.add(part(0, 2, 'd')).evicted.map(({ id }) => id)).toEqual(['a'])
  })
})
