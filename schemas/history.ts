import type { Candle } from './candle.ts'
import type { Side } from './tick.ts'

/** A trade of a segment; as in a tick, times in epoch ms. */
export interface HistoryTrade {
  readonly eventTime: number
  readonly price: number
  readonly size: number
  readonly side: Side
  readonly tradeId: number
  readonly sequence: number
}

/** A venue's own candle of one base bucket in which something traded. */
export interface HistoryCandle {
  /** Epoch ms. */
  readonly start: number
  readonly open: number
  readonly high: number
  readonly low: number
  readonly close: number
  readonly volume: number
  readonly quoteVolume: number
  readonly buyVolume: number
  /** At least 1. */
  readonly trades: number
}

/** Whole base buckets of one symbol, `[bucketFrom, bucketTo)` in epoch ms: what is not in it did not happen. */
export type HistorySegment = {
  readonly symbol: string
  readonly bucketFrom: number
  readonly bucketTo: number
  /** Of all parts together. */
  readonly id: string
  /** From 0. */
  readonly part: number
  readonly parts: number
} & (
  | { readonly kind: 'trades'; readonly trades: readonly HistoryTrade[] }
  | { readonly kind: 'candles'; readonly candles: readonly HistoryCandle[] }
)

/** What a `history` marker stands for: the segments below it that were not applied yet, and what the store holds there. */
export interface HistoryInput {
  /** Ascending by offset. */
  readonly segments: readonly HistorySegment[]
  /** Records that are no segment. */
  readonly refused: readonly { readonly offset: number; readonly detail: string }[]
  /** Final candles of every interval, of each span that the segments need. */
  readonly stored: readonly Candle[]
}

/** First and last trade id of a candle that was imported: its trades are not known. */
export const importedTradeId = -1

/** Trades or candles of one part, at most: with every field at its longest it stays below 1 MiB. */
export const itemsOfPartMax = 10_000

/** Base buckets of one segment, at most: ten weeks of minutes. */
export const bucketsOfSegmentMax = 100_000

const candle = {
  type: 'record',
  name: 'HistoryCandle',
  fields: [
    { name: 'start', type: { type: 'long', logicalType: 'timestamp-millis' } },
    { name: 'open', type: 'double' },
    { name: 'high', type: 'double' },
    { name: 'low', type: 'double' },
    { name: 'close', type: 'double' },
    { name: 'volume', type: 'double' },
    { name: 'quoteVolume', type: 'double' },
    { name: 'buyVolume', type: 'double' },
    { name: 'trades', type: 'long' },
  ],
} as const

const trade = {
  type: 'record',
  name: 'HistoryTrade',
  fields: [
    { name: 'eventTime', type: { type: 'long', logicalType: 'timestamp-millis' } },
    { name: 'price', type: 'double' },
    { name: 'size', type: 'double' },
    {
      name: 'side',
      type: { type: 'enum', name: 'HistorySide', symbols: ['buy', 'sell', 'unknown'], default: 'unknown' },
    },
    { name: 'tradeId', type: 'long' },
    { name: 'sequence', type: 'long' },
  ],
} as const

export const historyAvro = {
  type: 'record',
  name: 'HistorySegment',
  namespace: 'redwick',
  fields: [
    { name: 'symbol', type: 'string' },
    { name: 'bucketFrom', type: { type: 'long', logicalType: 'timestamp-millis' } },
    { name: 'bucketTo', type: { type: 'long', logicalType: 'timestamp-millis' } },
    { name: 'id', type: 'string' },
    { name: 'part', type: 'int' },
    { name: 'parts', type: 'int' },
    { name: 'kind', type: { type: 'enum', name: 'HistoryKind', symbols: ['trades', 'candles'] } },
    { name: 'trades', type: { type: 'array', items: trade }, default: [] },
    { name: 'candles', type: { type: 'array', items: candle }, default: [] },
  ],
} as const
