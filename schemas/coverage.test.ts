import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { Candle } from './candle.ts'
import { blindRanges, type CoverageChange } from './coverage.ts'
import { emptyFill, fillCandles } from './fill.ts'

const changes: fc.Arbitrary<CoverageChange[]> = fc.array(
  fc
    .record({
      symbol: fc.constant('A'),
      from: fc.integer({ min: 0, max: 30 }),
      size: fc.integer({ min: 1, max: 10 }),
      kind: fc.constantFrom('blind' as const, 'settled' as const),
    })
    .map(({ size, ...rest }) => ({ ...rest, to: rest.from + size })),
  { maxLength: 12 },
)

it('a moment is blind when the last word about it was that', () => {
  fc.assert(
    fc.property(changes, (list) => {
      const ranges = blindRanges(list)
      for (let time = 0; time < 42; time++) {
        const last = list.findLast(({ from, to }) => from <= time && time < to)
        expect(ranges.some(({ from, to }) => from <= time && time < to)).toBe(last?.kind === 'blind')
      }
    }),
  )
})

it('flat candles say what is known of their windows', () => {
  const candle = (start: number): Candle => ({
    ...{ symbol: 'A', interval: 60, start, end: start + 60_000, open: 1, high: 3, low: 1, close: 2 },
    ...{ volume: 1, volumeLow: 0, quoteVolume: 1, quoteVolumeLow: 0, buyVolume: 0, buyVolumeLow: 0, trades: 1 },
    ...{ firstTradeId: 1, lastTradeId: 1, final: true, revision: 1, seq: 1 },
    ...{ closedBy: 'watermark', fill: 'traded', partial: false },
  })
  const fillOf = emptyFill([{ from: 70_000, to: 150_000 }], (start) => start >= 240_000)
  const fill = fillCandles('previous_close', () => fillOf)
  const all = [...fill(candle(0)), ...fill(candle(300_000))]
  expect(all.map((row) => [row.start / 60_000, row.fill, row.partial, row.close])).toEqual([
    [0, 'traded', false, 2],
    [1, 'blind', true, 2],
    [2, 'blind', true, 2],
    [3, 'quiet', false, 2],
    [4, 'closed', false, 2],
    [5, 'traded', false, 2],
  ])
})
