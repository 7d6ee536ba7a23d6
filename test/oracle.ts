import type { Candle } from '../schemas/candle.ts'
import { vwapOf } from '../schemas/decimal-text.ts'
import type { HistoryCandle, HistorySegment } from '../schemas/history.ts'
import type { Tick } from '../schemas/tick.ts'
import { exact, rounded, roundedRatio, times } from './exact.ts'

/** A candle as the brute-force oracle sees it: nothing incremental, exact sums. */
export interface OracleCandle {
  readonly symbol: string
  /** Seconds. */
  readonly interval: number
  readonly start: number
  readonly open: number
  readonly high: number
  readonly low: number
  readonly close: number
  readonly volume: number
  readonly quoteVolume: number
  readonly buyVolume: number
  readonly vwap: number
  readonly trades: number
  readonly firstTradeId: number
  readonly lastTradeId: number
}

/** What a candle says of what the oracle knows. */
export function asOracle(candle: Candle): Omit<OracleCandle, 'vwap'> & { vwap: number | undefined } {
  const { symbol, interval, start, open, high, low, close, volume, quoteVolume, buyVolume } = candle
  const { trades, firstTradeId, lastTradeId } = candle
  return {
    ...{ symbol, interval, start, open, high, low, close, volume, quoteVolume, buyVolume, vwap: vwapOf(candle) },
    ...{ trades, firstTradeId, lastTradeId },
  }
}

export type OracleTick = Pick<Tick, 'symbol' | 'eventTime' | 'price' | 'size' | 'side' | 'tradeId' | 'sequence'>

function compare(a: OracleTick, b: OracleTick): number {
  return a.eventTime - b.eventTime || a.sequence - b.sequence || a.tradeId - b.tradeId
}

function sum(values: readonly bigint[]): bigint {
  return values.reduce((total, value) => total + value, 0n)
}

function candleOf(symbol: string, interval: number, start: number, ticks: readonly OracleTick[]): OracleCandle {
  const sorted = [...ticks].sort(compare)
  const first = sorted[0]
  const last = sorted.at(-1)
  if (first === undefined || last === undefined) throw new RangeError('a candle has ticks')
  const prices = ticks.map((tick) => tick.price)
  const volume = sum(ticks.map((tick) => exact(tick.size)))
  const quote = sum(ticks.map((tick) => times(exact(tick.price), exact(tick.size))))
  return {
    symbol,
    interval,
    start,
    open: first.price,
    high: prices.reduce((a, b) => (b > a ? b : a)),
    low: prices.reduce((a, b) => (b < a ? b : a)),
    close: last.price,
    volume: rounded(volume),
    quoteVolume: rounded(quote),
    buyVolume: rounded(sum(ticks.filter((tick) => tick.side === 'buy').map((tick) => exact(tick.size)))),
    vwap: roundedRatio(quote, volume),
    trades: ticks.length,
    firstTradeId: first.tradeId,
    lastTradeId: last.tradeId,
  }
}

/**
 * Every candle of a set of ticks, ascending by symbol (byte order), interval, start; the first tick of a trade id counts.
 *
 * @param intervals Seconds.
 */
export function oracleCandles(ticks: Iterable<OracleTick>, intervals: readonly number[]): OracleCandle[] {
  const seen = new Set<string>()
  const groups = new Map<string, { symbol: string; interval: number; start: number; ticks: OracleTick[] }>()
  for (const tick of ticks) {
    const id = `${tick.symbol} ${tick.tradeId}`
    if (seen.has(id)) continue
    seen.add(id)
    for (const interval of intervals) {
      const start = Math.floor(tick.eventTime / (interval * 1000)) * interval * 1000
      const key = `${tick.symbol} ${interval} ${start}`
      const group = groups.get(key)
      if (group === undefined) groups.set(key, { symbol: tick.symbol, interval, start, ticks: [tick] })
      else group.ticks.push(tick)
    }
  }
  return [...groups.values()]
    .map((group) => candleOf(group.symbol, group.interval, group.start, group.ticks))
    .sort((a, b) => (a.symbol < b.symbol ? -1 : a.symbol > b.symbol ? 1 : a.interval - b.interval || a.start - b.start))
}

export type OracleEntry = { readonly tick: OracleTick } | { readonly segment: HistorySegment }

interface OracleBucket {
  readonly symbol: string
  readonly start: number
  ticks: OracleTick[]
  candle: HistoryCandle | undefined
}

/** What a base bucket comes to, with exact sums. */
interface Piece {
  readonly open: number
  readonly high: number
  readonly low: number
  readonly close: number
  readonly volume: bigint
  readonly quote: bigint
  readonly buyVolume: bigint
  readonly trades: number
  readonly firstTradeId: number
  readonly lastTradeId: number
}

function pieceOf({ ticks, candle }: OracleBucket): Piece {
  if (candle !== undefined) {
    const { open, high, low, close, volume, quoteVolume, buyVolume, trades } = candle
    return {
      ...{ open, high, low, close, trades, firstTradeId: -1, lastTradeId: -1 },
      volume: exact(volume),
      quote: times(exact(quoteVolume), exact(1)),
      buyVolume: exact(buyVolume),
    }
  }
  const whole = candleOf('', 0, 0, ticks)
  return {
    ...whole,
    volume: sum(ticks.map((tick) => exact(tick.size))),
    quote: sum(ticks.map((tick) => times(exact(tick.price), exact(tick.size)))),
    buyVolume: sum(ticks.filter((tick) => tick.side === 'buy').map((tick) => exact(tick.size))),
  }
}

/** The buckets of a log in which history replaces whole ones; live ticks in time, every live bucket whole. */
function bucketsOf(entries: Iterable<OracleEntry>, baseMs: number): OracleBucket[] {
  const buckets = new Map<string, OracleBucket>()
  const sealed = new Set<string>()
  const seen = new Set<string>()
  const bucketAt = (symbol: string, start: number): OracleBucket => {
    const key = `${symbol} ${start}`
    const found = buckets.get(key) ?? { symbol, start, ticks: [], candle: undefined }
    buckets.set(key, found)
    return found
  }
  for (const entry of entries) {
    if ('tick' in entry) {
      const { symbol, tradeId, eventTime } = entry.tick
      const start = Math.floor(eventTime / baseMs) * baseMs
      if (seen.has(`${symbol} ${tradeId}`)) continue
      seen.add(`${symbol} ${tradeId}`)
      if (!sealed.has(`${symbol} ${start}`)) bucketAt(symbol, start).ticks.push(entry.tick)
      continue
    }
    const { segment } = entry
    const { symbol } = segment
    for (let start = segment.bucketFrom; start < segment.bucketTo; start += baseMs) {
      const bucket = bucketAt(symbol, start)
      const isHeld = bucket.ticks.length > 0
      if (segment.kind === 'candles') {
        if (isHeld) continue
        bucket.candle = segment.candles.find((candle) => candle.start === start)
      } else {
        const ids = new Set<number>()
        const own = segment.trades.filter(({ eventTime, tradeId }) => {
          if (eventTime < start || eventTime >= start + baseMs || ids.has(tradeId)) return false
          ids.add(tradeId)
          return true
        })
        bucket.candle = undefined
        bucket.ticks = own.map((trade) => ({ ...trade, symbol }))
      }
      sealed.add(`${symbol} ${start}`)
    }
  }
  return [...buckets.values()].filter(({ ticks, candle }) => ticks.length > 0 || candle !== undefined)
}

/** Every candle of a log of ticks and segments: the merge of its base buckets. @param intervals Seconds; the first is the base. */
export function oracleOfLog(entries: Iterable<OracleEntry>, intervals: readonly number[]): OracleCandle[] {
  const groups = new Map<string, { symbol: string; interval: number; start: number; pieces: Piece[] }>()
  const buckets = bucketsOf(entries, (intervals[0] ?? 60) * 1000).sort((a, b) => a.start - b.start)
  for (const bucket of buckets) {
    const piece = pieceOf(bucket)
    for (const interval of intervals) {
      const start = Math.floor(bucket.start / (interval * 1000)) * interval * 1000
      const key = `${bucket.symbol} ${interval} ${start}`
      const group = groups.get(key) ?? { symbol: bucket.symbol, interval, start, pieces: [] }
      group.pieces.push(piece)
      groups.set(key, group)
    }
  }
  return [...groups.values()].map(({ symbol, interval, start, pieces }) => {
    const volume = sum(pieces.map((piece) => piece.volume))
    const quote = sum(pieces.map((piece) => piece.quote))
    return {
      symbol,
      interval,
      start,
      open: pieces[0]?.open ?? Number.NaN,
      high: Math.max(...pieces.map(({ high }) => high)),
      low: Math.min(...pieces.map(({ low }) => low)),
      close: pieces.at(-1)?.close ?? Number.NaN,
      volume: rounded(volume),
      quoteVolume: rounded(quote),
      buyVolume: rounded(sum(pieces.map((piece) => piece.buyVolume))),
      vwap: roundedRatio(quote, volume),
      trades: pieces.reduce((total, { trades }) => total + trades, 0),
      firstTradeId: pieces[0]?.firstTradeId ?? Number.NaN,
      lastTradeId: pieces.at(-1)?.lastTradeId ?? Number.NaN,
    }
  })
}
