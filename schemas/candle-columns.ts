/**
 * Candle rows as typed arrays: what the engine hands to a commit. Grows; reused.
 * Row `i` of every column belongs to one candle; `symbol` is an id in `names`.
 */
export interface CandleColumns {
  length: number
  symbol: Int32Array
  /** Seconds. */
  interval: Int32Array
  /** Epoch ms. */
  start: Float64Array
  open: Float64Array
  high: Float64Array
  low: Float64Array
  close: Float64Array
  volume: Float64Array
  volumeLow: Float64Array
  quoteVolume: Float64Array
  quoteVolumeLow: Float64Array
  buyVolume: Float64Array
  buyVolumeLow: Float64Array
  trades: Float64Array
  firstTradeId: Float64Array
  lastTradeId: Float64Array
  revision: Float64Array
  seq: Float64Array
  /** Index in `closedByNames`. */
  closedBy: Uint8Array
  /** Index in `fillNames`. */
  fill: Uint8Array
  /** Index in `emissionNames`. */
  kind: Uint8Array
  /** 1 where the candle is known not to hold all of its trades. */
  partial: Uint8Array
}

export function createCandleColumns(capacity = 8): CandleColumns {
  const f64 = () => new Float64Array(capacity)
  return {
    length: 0,
    symbol: new Int32Array(capacity),
    interval: new Int32Array(capacity),
    start: f64(),
    open: f64(),
    high: f64(),
    low: f64(),
    close: f64(),
    volume: f64(),
    volumeLow: f64(),
    quoteVolume: f64(),
    quoteVolumeLow: f64(),
    buyVolume: f64(),
    buyVolumeLow: f64(),
    trades: f64(),
    firstTradeId: f64(),
    lastTradeId: f64(),
    revision: f64(),
    seq: f64(),
    closedBy: new Uint8Array(capacity),
    fill: new Uint8Array(capacity),
    kind: new Uint8Array(capacity),
    partial: new Uint8Array(capacity),
  }
}

/** The numbers of a candle that both its rows and its object hold under one name, but for the interval. */
export const candleNumbers = [
  'start',
  'open',
  'high',
  'low',
  'close',
  'volume',
  'volumeLow',
  'quoteVolume',
  'quoteVolumeLow',
  'buyVolume',
  'buyVolumeLow',
  'trades',
  'firstTradeId',
  'lastTradeId',
  'revision',
  'seq',
] as const
