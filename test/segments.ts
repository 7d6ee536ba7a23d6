import type { HistoryCandle, HistorySegment, HistoryTrade } from '../schemas/history.ts'

type Frame = Omit<HistorySegment, 'kind' | 'trades' | 'candles'>

const minute = 60_000

/** A trade at 50, of an id like its time. */
export const tradeAt = (eventTime: number, over: Partial<HistoryTrade> = {}): HistoryTrade => ({
  ...{ eventTime, price: 50, size: 2, side: 'sell', tradeId: eventTime, sequence: eventTime },
  ...over,
})

/** A venue's candle of one minute. */
export const candleAt = (start: number, over: Partial<HistoryCandle> = {}): HistoryCandle => ({
  ...{ start, open: 70, high: 71, low: 69, close: 70.5, volume: 4, quoteVolume: 281, buyVolume: 1, trades: 4 },
  ...over,
})

const frame = { symbol: 'A', bucketFrom: 0, bucketTo: 5 * minute, id: 's', part: 0, parts: 1 } as const

/** A segment of trades of A's first five minutes, where nothing else is said. */
export const ofTrades = (trades: readonly HistoryTrade[], over: Partial<Frame> = {}): HistorySegment => ({
  ...{ ...frame, kind: 'trades', trades },
  ...over,
})

/** The same, of candles. */
export const ofCandles = (candles: readonly HistoryCandle[], over: Partial<Frame> = {}): HistorySegment => ({
  ...{ ...frame, kind: 'candles', candles },
  ...over,
})
