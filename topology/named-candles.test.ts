import fc from 'fast-check'
import { expect, it } from 'vitest'
import { closedByNames, fillNames } from '../schemas/candle.ts'
import { createCandleReader, namedCandles } from './named-candles.ts'
import { packOutbox, unpackOutbox } from './outbox.ts'
import { candle } from './testing/builders.ts'

const words = fc.array(
  fc.record({
    kind: fc.constantFrom('final' as const, 'correction' as const),
    candle: fc
      .record({
        symbol: fc.string({ minLength: 1, maxLength: 8 }),
        interval: fc.constantFrom(60, 300, 86_400),
        start: fc.nat().map((minutes) => minutes * 60_000),
        close: fc.double({ noNaN: true }),
        volumeLow: fc.double({ noNaN: true }),
        firstTradeId: fc.integer(),
        revision: fc.nat(),
        seq: fc.nat(),
        closedBy: fc.constantFrom(...closedByNames),
        fill: fc.constantFrom(...fillNames),
        partial: fc.boolean(),
      })
      .map(candle),
  }),
  { maxLength: 20 },
)

it('candles come back from rows, and from an outbox, as they were', () => {
  fc.assert(
    fc.property(words, (list) => {
      const named = namedCandles(list)
      const read = createCandleReader(named)
      expect(list.map((_, i) => ({ ...read(i) }))).toEqual(list.map((word) => word.candle))
      const packed = packOutbox({ finals: named, deadLetters: [] })
      if (packed === undefined) expect(list).toEqual([])
      else expect(unpackOutbox(packed, { partition: 0, partitions: 1 }).finals).toEqual(list)
    }),
  )
})
