import { createAvroWriter } from './avro-writer.ts'
import { createFramedDecoder, type FetchSchema, type FramedDecoder } from './framed-decoder.ts'
import { type HistoryCandle, type HistorySegment, type HistoryTrade, historyAvro, itemsOfPartMax } from './history.ts'
import { side } from './tick.ts'

interface SegmentFields extends Omit<HistorySegment, 'kind'> {
  readonly kind: HistorySegment['kind']
  readonly trades: readonly HistoryTrade[]
  readonly candles: readonly HistoryCandle[]
}

const candleDoubles = ['open', 'high', 'low', 'close', 'volume', 'quoteVolume', 'buyVolume'] as const

/** Encodes segments as framed values of `historyAvro`. @param schemaId Id that the registry gave it. */
export function createHistoryEncoder(schemaId: number): (segment: HistorySegment) => Buffer {
  const writer = createAvroWriter(schemaId)
  const array = <T>(items: readonly T[], write: (item: T) => void): void => {
    if (items.length > 0) writer.long(items.length)
    for (const item of items) write(item)
    writer.long(0)
  }
  return (segment) => {
    writer.start()
    writer.string(segment.symbol)
    writer.long(segment.bucketFrom)
    writer.long(segment.bucketTo)
    writer.string(segment.id)
    writer.long(segment.part)
    writer.long(segment.parts)
    writer.long(segment.kind === 'trades' ? 0 : 1)
    array(segment.kind === 'trades' ? segment.trades : [], (trade) => {
      writer.long(trade.eventTime)
      writer.double(trade.price)
      writer.double(trade.size)
      writer.long(side[trade.side])
      writer.long(trade.tradeId)
      writer.long(trade.sequence)
    })
    array(segment.kind === 'candles' ? segment.candles : [], (candle) => {
      writer.long(candle.start)
      for (const name of candleDoubles) writer.double(candle[name])
      writer.long(candle.trades)
    })
    return writer.finish()
  }
}

/** Decodes segments of any writer schema that resolves to `historyAvro`. */
export function createHistoryDecoder(fetchSchema: FetchSchema): FramedDecoder<HistorySegment> {
  return createFramedDecoder(historyAvro, fetchSchema, ({ kind, trades, candles, ...rest }: SegmentFields) =>
    kind === 'trades' ? { ...rest, kind, trades } : { ...rest, kind, candles },
  )
}

/** A segment in as many parts as its size asks for; one part stays as it is. */
export function segmentParts(segment: HistorySegment, itemsMax: number = itemsOfPartMax): HistorySegment[] {
  const cut = <T>(items: readonly T[]): (readonly T[])[] =>
    Array.from({ length: Math.max(1, Math.ceil(items.length / itemsMax)) }, (_, i) =>
      items.slice(i * itemsMax, (i + 1) * itemsMax),
    )
  if (segment.kind === 'trades')
    return cut(segment.trades).map((trades, part, { length }) => ({ ...segment, trades, part, parts: length }))
  return cut(segment.candles).map((candles, part, { length }) => ({ ...segment, candles, part, parts: length }))
}
