import fc from 'fast-check'
import { expect, it } from 'vitest'
import { controlAvro } from './control.ts'
import { controlReaders, createControlEncoder } from './control-codec.ts'
import { type HistorySegment, historyAvro } from './history.ts'
import { createHistoryDecoder, createHistoryEncoder, segmentParts } from './history-codec.ts'
import { valueBytesMax } from './wire-format.ts'

const long = fc.maxSafeInteger()
const double = fc.double({ noNaN: true })
const common = {
  symbol: fc.string(),
  bucketFrom: long,
  bucketTo: long,
  id: fc.string(),
  part: fc.nat(),
  parts: fc.nat(),
}
const trade = fc.record({
  ...{ eventTime: long, price: double, size: double, tradeId: long, sequence: long },
  side: fc.constantFrom('buy' as const, 'sell' as const, 'unknown' as const),
})
const candle = fc.record({
  ...{ start: long, open: double, high: double, low: double, close: double, volume: double, quoteVolume: double },
  ...{ buyVolume: double, trades: long },
})
const segments: fc.Arbitrary<HistorySegment> = fc.oneof(
  fc.record({ ...common, kind: fc.constant('trades' as const), trades: fc.array(trade) }),
  fc.record({ ...common, kind: fc.constant('candles' as const), candles: fc.array(candle) }),
)

it('segments come back as they were', async () => {
  const decoder = createHistoryDecoder(async () => historyAvro)
  await decoder.resolveSchema(7)
  const encode = createHistoryEncoder(7)
  fc.assert(
    fc.property(segments, (segment) => {
      expect(decoder.decode(encode(segment))).toEqual({ status: 'value', value: segment })
    }),
  )
})

it('a segment in parts has the same items, and each part fits a record', () => {
  const longest = Number.MIN_SAFE_INTEGER
  const all = { symbol: 'A', bucketFrom: 0, bucketTo: 60_000, id: 's', part: 0, parts: 1 }
  const row = { eventTime: longest, price: 1, size: 1, side: 'buy' as const, tradeId: longest, sequence: longest }
  const bar = {
    start: longest,
    open: 1,
    high: 1,
    low: 1,
    close: 1,
    volume: 1,
    quoteVolume: 1,
    buyVolume: 1,
    trades: longest,
  }
  const encode = createHistoryEncoder(7)
  for (const segment of [
    { ...all, kind: 'trades' as const, trades: Array.from({ length: 25_000 }, () => row) },
    { ...all, kind: 'candles' as const, candles: Array.from({ length: 25_000 }, () => bar) },
  ]) {
    const parts = segmentParts(segment)
    expect(parts.map(({ part, parts: of }) => [part, of])).toEqual([
      [0, 3],
      [1, 3],
      [2, 3],
    ])
    for (const part of parts) expect(encode(part).length).toBeLessThan(valueBytesMax)
  }
})

it('a control record of a writer before history reads as it was, and a marker reads back', () => {
  const before = { ...controlAvro, fields: controlAvro.fields.filter(({ name }) => name !== 'upTo') }
  const bytes = createControlEncoder(7)({ kind: 'history', line: 'x', upTo: 12 })
  const now = controlReaders(controlAvro)
  expect(now.reader?.read(bytes, 5, bytes.length)).toMatchObject({ kind: 'history', line: 'x', upTo: 12 })
  const old = controlReaders(before)
  // Its last field is one byte shorter.
  const end = createControlEncoder(7)({ kind: 'end', line: 'x' })
  expect(old.reader?.read(end, 5, end.length - 1)).toMatchObject({ kind: 'end', line: 'x', upTo: 0 })
})
