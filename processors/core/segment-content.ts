import { twoProductError } from '../../schemas/double-double.ts'
import {
  bucketsOfSegmentMax,
  type HistoryCandle,
  type HistorySegment,
  type HistoryTrade,
  importedTradeId,
} from '../../schemas/history.ts'
import { symbolPattern } from '../../schemas/tick.ts'
import {
  createWindowColumns,
  windowField as field,
  mergeWindow,
  resetWindow,
  type WindowColumns,
  windowStatus,
} from './window-columns.ts'

const { live } = windowStatus

const isAmount = (value: number): boolean => value > 0 && value < 1e100
const isSum = (value: number): boolean => value >= 0 && value < 1e200

function tradeProblem(trade: HistoryTrade): string | undefined {
  if (!isAmount(trade.price)) return `a price is > 0 and < 1e100, was ${trade.price}`
  if (!isAmount(trade.size)) return `a size is > 0 and < 1e100, was ${trade.size}`
  return undefined
}

function candleProblem({ open, high, low, close, ...rest }: HistoryCandle, baseMs: number): string | undefined {
  if (rest.start % baseMs !== 0) return `a candle begins with its bucket of ${baseMs} ms, was ${rest.start}`
  if (![open, high, low, close].every(isAmount)) return `prices are > 0 and < 1e100, at ${rest.start}`
  if (!(low <= open && open <= high && low <= close && close <= high))
    return `open and close lie between low and high, at ${rest.start}`
  if (![rest.volume, rest.quoteVolume, rest.buyVolume].every(isSum)) return `sums are >= 0, at ${rest.start}`
  if (!(rest.trades >= 1)) return `a candle has at least one trade, at ${rest.start}`
  return undefined
}

/** What is wrong with a segment by itself; undefined for a good one. */
export function segmentProblem(segment: HistorySegment, baseMs: number): string | undefined {
  const { symbol, bucketFrom, bucketTo, part, parts } = segment
  if (!symbolPattern.test(symbol)) return 'its symbol is none'
  if (bucketFrom % baseMs !== 0 || bucketTo % baseMs !== 0 || bucketFrom >= bucketTo)
    return `a segment holds whole buckets of ${baseMs} ms, was ${bucketFrom} to ${bucketTo}`
  if ((bucketTo - bucketFrom) / baseMs > bucketsOfSegmentMax)
    return `a segment has at most ${bucketsOfSegmentMax} buckets`
  if (!(part >= 0 && part < parts)) return `its part is below its parts, was ${part} of ${parts}`
  const isWithin = (time: number): boolean => time >= bucketFrom && time < bucketTo
  if (segment.kind === 'trades') {
    const outside = segment.trades.find(({ eventTime }) => !isWithin(eventTime))
    if (outside !== undefined) return `its trades lie within it, one was at ${outside.eventTime}`
    return segment.trades.map(tradeProblem).find((problem) => problem !== undefined)
  }
  const outside = segment.candles.find(({ start }) => !isWithin(start))
  if (outside !== undefined) return `its candles lie within it, one was at ${outside.start}`
  if (new Set(segment.candles.map(({ start }) => start)).size < segment.candles.length)
    return 'it has one candle for a bucket'
  return segment.candles.map((candle) => candleProblem(candle, baseMs)).find((problem) => problem !== undefined)
}

/** Columns of one window without content. */
export function emptyWindow(number: number): WindowColumns {
  const columns = createWindowColumns(1)
  resetWindow(columns, 0, number, live)
  return columns
}

function putTrade({ values }: WindowColumns, trade: HistoryTrade): void {
  const { price, size, eventTime, sequence, tradeId } = trade
  const product = price * size
  values[field.open] = values[field.high] = values[field.low] = values[field.close] = price
  values[field.openTime] = values[field.closeTime] = eventTime
  values[field.openSequence] = values[field.closeSequence] = sequence
  values[field.openId] = values[field.closeId] = tradeId
  values[field.volume] = size
  values[field.quoteVolume] = product
  values[field.quoteVolumeLow] = twoProductError(price, size, product)
  values[field.buyVolume] = trade.side === 'buy' ? size : 0
  values[field.trades] = 1
}

function putCandle({ values }: WindowColumns, candle: HistoryCandle, baseMs: number): void {
  values[field.open] = candle.open
  values[field.high] = candle.high
  values[field.low] = candle.low
  values[field.close] = candle.close
  values[field.openTime] = candle.start
  values[field.closeTime] = candle.start + baseMs - 1
  values[field.openId] = values[field.closeId] = importedTradeId
  values[field.volume] = candle.volume
  values[field.quoteVolume] = candle.quoteVolume
  values[field.buyVolume] = candle.buyVolume
  values[field.trades] = candle.trades
}

/** The base buckets of a good segment in which something traded, by number; the first trade of an id counts. */
export function bucketsOf(segment: HistorySegment, baseMs: number): Map<number, WindowColumns> {
  const buckets = new Map<number, WindowColumns>()
  if (segment.kind === 'candles') {
    for (const candle of segment.candles) {
      const number = candle.start / baseMs
      const bucket = emptyWindow(number)
      putCandle(bucket, candle, baseMs)
      buckets.set(number, bucket)
    }
    return buckets
  }
  const seen = new Set<number>()
  const one = emptyWindow(0)
  for (const trade of segment.trades) {
    if (seen.has(trade.tradeId)) continue
    seen.add(trade.tradeId)
    const number = Math.floor(trade.eventTime / baseMs)
    const bucket = buckets.get(number) ?? emptyWindow(number)
    buckets.set(number, bucket)
    // It sets all that differs from trade to trade.
    putTrade(one, trade)
    mergeWindow(bucket, 0, one, 0)
  }
  return buckets
}
