/** What closed a candle. Index = stored code. */
export const closedByNames = ['open', 'watermark', 'idle', 'end', 'history'] as const
export type ClosedBy = (typeof closedByNames)[number]

/** What stood behind a candle's content. Index = stored code. */
export const fillNames = ['traded', 'quiet', 'blind', 'closed'] as const
export type Fill = (typeof fillNames)[number]

/** What an emission is. Index = stored code. */
export const emissionNames = ['update', 'final', 'correction'] as const
export type EmissionKind = (typeof emissionNames)[number]

/**
 * One OHLCV candle `[start, end)`, times in epoch ms. Sums are double-double: the value is `x + xLow`,
 * and `x` alone is the sum rounded to float64.
 */
export interface Candle {
  readonly symbol: string
  /** Length in seconds. */
  readonly interval: number
  readonly start: number
  readonly end: number
  readonly open: number
  readonly high: number
  readonly low: number
  readonly close: number
  readonly volume: number
  readonly volumeLow: number
  readonly quoteVolume: number
  readonly quoteVolumeLow: number
  readonly buyVolume: number
  readonly buyVolumeLow: number
  readonly trades: number
  readonly firstTradeId: number
  readonly lastTradeId: number
  readonly final: boolean
  /** Number of records that made or changed the candle. */
  readonly revision: number
  readonly closedBy: ClosedBy
  readonly fill: Fill
  /** The candle is known not to hold all of its trades. */
  readonly partial: boolean
  /** Position in the partition's sequence of finals and corrections; 0 while open. Never restarts. */
  readonly seq: number
}

/** An emission as it stands in `candles.live` (every one) and `candles` (finals and corrections). */
export interface Emission {
  readonly kind: EmissionKind
  /** Epoch of the partition's owner. */
  readonly e: number
  /** Per symbol and interval, +1 each, from 1 in every epoch; 0 in `candles`. */
  readonly q: number
  readonly candle: Candle
}

/** Header `redwick: epoch` on `candles.live` marks `{e}`: the partition has a new owner, lower epochs end here. */
export const epochAvro = {
  type: 'record',
  name: 'EpochStarted',
  namespace: 'redwick',
  fields: [{ name: 'e', type: 'long' }],
} as const

export const emissionAvro = {
  type: 'record',
  name: 'CandleEmission',
  namespace: 'redwick',
  fields: [
    { name: 'kind', type: { type: 'enum', name: 'EmissionKind', symbols: ['update', 'final', 'correction'] } },
    { name: 'e', type: 'long' },
    { name: 'q', type: 'long' },
    { name: 'symbol', type: 'string' },
    { name: 'interval', type: 'int' },
    { name: 'start', type: { type: 'long', logicalType: 'timestamp-millis' } },
    { name: 'end', type: { type: 'long', logicalType: 'timestamp-millis' } },
    { name: 'open', type: 'double' },
    { name: 'high', type: 'double' },
    { name: 'low', type: 'double' },
    { name: 'close', type: 'double' },
    { name: 'volume', type: 'double' },
    { name: 'volumeLow', type: 'double' },
    { name: 'quoteVolume', type: 'double' },
    { name: 'quoteVolumeLow', type: 'double' },
    { name: 'buyVolume', type: 'double' },
    { name: 'buyVolumeLow', type: 'double' },
    { name: 'trades', type: 'long' },
    { name: 'firstTradeId', type: 'long' },
    { name: 'lastTradeId', type: 'long' },
    { name: 'final', type: 'boolean' },
    { name: 'revision', type: 'long' },
    {
      name: 'closedBy',
      type: { type: 'enum', name: 'ClosedBy', symbols: ['open', 'watermark', 'idle', 'end', 'history'] },
    },
    { name: 'fill', type: { type: 'enum', name: 'Fill', symbols: ['traded', 'quiet', 'blind', 'closed'] } },
    { name: 'partial', type: 'boolean', default: false },
    { name: 'seq', type: 'long' },
  ],
} as const
