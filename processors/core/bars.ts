import type { Candle } from '../../schemas/candle.ts'
import { addDoubleDouble, twoProductError } from '../../schemas/double-double.ts'
import type { Side } from '../../schemas/tick.ts'
import type { Aggregate } from './windows/aggregate.ts'

/** What a bar needs of a trade. */
export interface BarTrade {
  readonly price: number
  readonly size: number
  readonly side: Side
  readonly tradeId: number
}

const barFields = [
  ...(['open', 'high', 'low', 'close', 'volume', 'volumeLow', 'quoteVolume', 'quoteVolumeLow'] as const),
  ...(['buyVolume', 'buyVolumeLow', 'trades', 'firstTradeId', 'lastTradeId'] as const),
]

/** Trades in arrival order; the sums are double-double, as a candle's are. */
export type Bar = Pick<Candle, (typeof barFields)[number]>

/** What fills a bar: trades, the sum of sizes, or the sum of price times size. */
export const barMeasures = {
  ticks: (bar: Bar): number => bar.trades,
  volume: (bar: Bar): number => bar.volume,
  value: (bar: Bar): number => bar.quoteVolume,
}

/** @throws {RangeError} For what is no trade. */
export function checkTrade({ price, size }: BarTrade): void {
  if (!Number.isFinite(price) || !Number.isFinite(size) || size <= 0)
    throw new RangeError(`a trade has a price and a size > 0, was ${size} at ${price}`)
}

/** The bar of a trade more. A trade that is none throws. */
function addTrade(bar: Bar | undefined, trade: BarTrade): Bar {
  checkTrade(trade)
  const { price, size, tradeId } = trade
  const bought = trade.side === 'buy' ? size : 0
  const quote = price * size
  const [volume, volumeLow] = addDoubleDouble([bar?.volume ?? 0, bar?.volumeLow ?? 0], size, 0)
  const [quoteVolume, quoteVolumeLow] = addDoubleDouble(
    [bar?.quoteVolume ?? 0, bar?.quoteVolumeLow ?? 0],
    ...([quote, twoProductError(price, size, quote)] as const),
  )
  const [buyVolume, buyVolumeLow] = addDoubleDouble([bar?.buyVolume ?? 0, bar?.buyVolumeLow ?? 0], bought, 0)
  return {
    open: bar?.open ?? price,
    high: Math.max(bar?.high ?? price, price),
    low: Math.min(bar?.low ?? price, price),
    close: price,
    ...{ volume, volumeLow, quoteVolume, quoteVolumeLow, buyVolume, buyVolumeLow },
    trades: (bar?.trades ?? 0) + 1,
    firstTradeId: bar?.firstTradeId ?? tradeId,
    lastTradeId: tradeId,
  }
}

/** Makes bars of trades; undefined before the first. */
export const barAggregate: Pick<Aggregate<BarTrade, Bar | undefined>, 'empty' | 'add' | 'write' | 'read'> = {
  empty: undefined,
  add: addTrade,
  write(writer, bar) {
    writer.byte(bar === undefined ? 0 : 1)
    if (bar !== undefined) for (const field of barFields) writer.f64(bar[field])
  },
  read(reader) {
    if (reader.byte() === 0) return undefined
    const values = new Map(barFields.map((field) => [field, reader.f64()]))
    const of = (field: (typeof barFields)[number]): number => values.get(field) ?? Number.NaN
    return {
      ...{ open: of('open'), high: of('high'), low: of('low'), close: of('close') },
      ...{ volume: of('volume'), volumeLow: of('volumeLow') },
      ...{ quoteVolume: of('quoteVolume'), quoteVolumeLow: of('quoteVolumeLow') },
      ...{ buyVolume: of('buyVolume'), buyVolumeLow: of('buyVolumeLow') },
      ...{ trades: of('trades'), firstTradeId: of('firstTradeId'), lastTradeId: of('lastTradeId') },
    }
  },
}
