import { blankCandle, putCandle } from '../processors/core/candle-rows.ts'
import { type Candle, closedByNames, type Emission, emissionNames, fillNames } from '../schemas/candle.ts'
import { type CandleColumns, candleNumbers, createCandleColumns } from '../schemas/candle-columns.ts'

/** Candle rows with the names of their symbols. */
export interface NamedCandles {
  readonly rows: CandleColumns
  symbolName(symbol: number): string
}

/** What is said of a candle. */
type Word = Omit<Emission, 'e' | 'q'>

/** Candles as rows. */
export function namedCandles(words: readonly Word[]): NamedCandles {
  const rows = createCandleColumns(Math.max(words.length, 1))
  rows.length = words.length
  const ids = new Map<string, number>()
  const names: string[] = []
  for (const [i, { kind, candle }] of words.entries()) {
    let id = ids.get(candle.symbol)
    if (id === undefined) {
      id = names.push(candle.symbol) - 1
      ids.set(candle.symbol, id)
    }
    rows.symbol[i] = id
    rows.interval[i] = candle.interval
    for (const name of candleNumbers) rows[name][i] = candle[name]
    rows.kind[i] = emissionNames.indexOf(kind)
    rows.closedBy[i] = closedByNames.indexOf(candle.closedBy)
    rows.fill[i] = fillNames.indexOf(candle.fill)
    rows.partial[i] = candle.partial ? 1 : 0
  }
  return { rows, symbolName: (id) => names[id] ?? '' }
}

/**
 * Reads rows one after the other into one candle: at the end of a day they are many, and each is encoded once.
 *
 * @returns What makes row `i` the candle; it is good until the next call.
 */
export function createCandleReader({ rows, symbolName }: NamedCandles): (i: number) => Candle {
  const candle = blankCandle()
  return (i) => putCandle(candle, rows, i, symbolName(rows.symbol[i] as number))
}
