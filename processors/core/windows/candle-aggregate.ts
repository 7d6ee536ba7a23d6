import { addDoubleDouble, type DoubleDouble, twoProductError } from '../../../schemas/double-double.ts'
import type { Tick } from '../../../schemas/tick.ts'
import { checkTrade } from '../bars.ts'
import type { ByteReader, ByteWriter } from '../byte-buffer.ts'
import type { Aggregate } from './aggregate.ts'

/** What a candle needs of a trade. */
export type CandleTrade = Pick<Tick, 'eventTime' | 'sequence' | 'tradeId' | 'price' | 'size' | 'side'>

/** A trade at the edge of a window: times and order, then its price. */
interface Edge {
  readonly eventTime: number
  readonly sequence: number
  readonly tradeId: number
  readonly price: number
}

/** Trades of a window as a candle; no trades: 0 of them, and an infinite range. */
export interface WindowCandle {
  /** The smallest and the greatest by (event time, sequence, trade id). */
  readonly first: Edge | undefined
  readonly last: Edge | undefined
  readonly high: number
  readonly low: number
  readonly volume: DoubleDouble
  readonly quoteVolume: DoubleDouble
  readonly buyVolume: DoubleDouble
  readonly trades: number
}

function isBefore(a: Edge, b: Edge): boolean {
  if (a.eventTime !== b.eventTime) return a.eventTime < b.eventTime
  if (a.sequence !== b.sequence) return a.sequence < b.sequence
  return a.tradeId < b.tradeId
}

const earliest = (a: Edge | undefined, b: Edge | undefined): Edge | undefined =>
  a === undefined || (b !== undefined && isBefore(b, a)) ? b : a
// Of equal ones the later in the log: as the earliest is the earlier.
const latest = (a: Edge | undefined, b: Edge | undefined): Edge | undefined =>
  a === undefined || (b !== undefined && !isBefore(b, a)) ? b : a

function mergeCandles(a: WindowCandle, b: WindowCandle): WindowCandle {
  return {
    first: earliest(a.first, b.first),
    last: latest(a.last, b.last),
    high: Math.max(a.high, b.high),
    low: Math.min(a.low, b.low),
    volume: addDoubleDouble(a.volume, ...b.volume),
    quoteVolume: addDoubleDouble(a.quoteVolume, ...b.quoteVolume),
    buyVolume: addDoubleDouble(a.buyVolume, ...b.buyVolume),
    trades: a.trades + b.trades,
  }
}

function candleOfTrade({ eventTime, sequence, tradeId, price, size, side }: CandleTrade): WindowCandle {
  const edge = { eventTime, sequence, tradeId, price }
  const quote = price * size
  return {
    ...{ first: edge, last: edge, high: price, low: price, volume: [size, 0] },
    quoteVolume: [quote, twoProductError(price, size, quote)],
    buyVolume: [side === 'buy' ? size : 0, 0],
    trades: 1,
  }
}

function writeEdge(writer: ByteWriter, edge: Edge | undefined): void {
  writer.byte(edge === undefined ? 0 : 1)
  if (edge === undefined) return
  for (const value of [edge.eventTime, edge.sequence, edge.tradeId, edge.price]) writer.f64(value)
}

function readEdge(reader: ByteReader): Edge | undefined {
  if (reader.byte() === 0) return undefined
  return { eventTime: reader.f64(), sequence: reader.f64(), tradeId: reader.f64(), price: reader.f64() }
}

/**
 * Candles of any windows: hopping, shifted, sessions of trading. As those of `toCandles` a function of the set of trades,
 * whatever the order in which they come; `toCandles` is the fast way for 1m and its multiples.
 */
export const candleAggregate: Aggregate<CandleTrade, WindowCandle> = {
  empty: {
    ...{ first: undefined, last: undefined, high: Number.NEGATIVE_INFINITY, low: Number.POSITIVE_INFINITY },
    ...{ volume: [0, 0], quoteVolume: [0, 0], buyVolume: [0, 0], trades: 0 },
  },
  add(candle, trade) {
    checkTrade(trade)
    return mergeCandles(candle, candleOfTrade(trade))
  },
  merge: mergeCandles,
  write(writer, { first, last, high, low, volume, quoteVolume, buyVolume, trades }) {
    writeEdge(writer, first)
    writeEdge(writer, last)
    for (const value of [high, low, ...volume, ...quoteVolume, ...buyVolume, trades]) writer.f64(value)
  },
  read: (reader) => ({
    ...{ first: readEdge(reader), last: readEdge(reader), high: reader.f64(), low: reader.f64() },
    volume: [reader.f64(), reader.f64()],
    quoteVolume: [reader.f64(), reader.f64()],
    buyVolume: [reader.f64(), reader.f64()],
    trades: reader.f64(),
  }),
}
