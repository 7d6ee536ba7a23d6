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
