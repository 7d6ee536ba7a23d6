import type { Side } from '../../schemas/tick.ts'
import { hashId } from '../hash-id.ts'
import { decimalOf, integerOf, type LineParser, type LineParserOptions } from './line-parser.ts'

const sides = new Map<string, Side>([
  ['buy', 'buy'],
  ['b', 'buy'],
  ['sell', 'sell'],
  ['s', 'sell'],
  ['unknown', 'unknown'],
  ['', 'unknown'],
])

export interface CsvColumns {
  readonly count: number
  readonly symbol: number
  readonly time: number
  readonly price: number
  readonly size: number
  /** -1 where the file has none. */
  readonly side: number
  readonly tradeId: number
}

/** Order of the columns in a file without a header. */
export const csvColumns: CsvColumns = { count: 6, symbol: 0, time: 1, price: 2, size: 3, side: 4, tradeId: 5 }

/**
 * The columns that a file's first line names, in any order and letter case.
 *
 * @returns undefined where the line is no header; a list of what is missing where it lacks a column.
 */
export function csvHeader(line: string): CsvColumns | readonly string[] | undefined {
  const names = line.split(',').map((name) => name.trim().toLowerCase())
  if (!names.includes('symbol')) return undefined
  const missing = ['ts_ms', 'price', 'size'].filter((name) => !names.includes(name))
  if (missing.length > 0) return missing
  const at = (name: string) => names.indexOf(name)
  return {
    count: names.length,
    symbol: at('symbol'),
    time: at('ts_ms'),
    price: at('price'),
    size: at('size'),
    side: at('side'),
    tradeId: at('trade_id'),
  }
}

/**
 * Reads lines `symbol,ts_ms,price,size,side,trade_id`. A numeric trade id is an order, any other a stable hash;
 * a row without one takes its own text and place as its name.
 */
export function createCsvTrades(columns: CsvColumns, options: LineParserOptions): LineParser {
  const { line: lineName, ids } = options
  return (line, position, sink) => {
    const fields = line.split(',')
    if (fields.length !== columns.count) {
      sink.refuse('MALFORMED', `A row has ${columns.count} fields, this one has ${fields.length}`)
      return
    }
    const field = (at: number) => fields[at] ?? ''
    const eventTime = integerOf(field(columns.time))
    if (Number.isNaN(eventTime)) {
      sink.refuse('BAD_TIME', 'ts_ms is a whole number of milliseconds')
      return
    }
    const price = decimalOf(field(columns.price))
    const size = decimalOf(field(columns.size))
    if (Number.isNaN(price) || Number.isNaN(size)) {
      const bad = Number.isNaN(price) ? 'price' : 'size'
      sink.refuse(bad === 'price' ? 'BAD_PRICE' : 'BAD_SIZE', `${bad} is a decimal number`)
      return
    }
    const sideText = field(columns.side)
    const side = sides.get(sideText) ?? sides.get(sideText.toLowerCase())
    if (side === undefined) {
      sink.refuse('MALFORMED', 'side is buy, sell, unknown, B or S')
      return
    }
    const idText = field(columns.tradeId)
    const numeric = integerOf(idText)
    const isNumeric = numeric >= 0
    if (ids === 'monotonic' && !isNumeric) {
      sink.refuse('MALFORMED', 'trade_id is a whole number up to 2^53 - 1 where ids are monotonic')
      return
    }
    const ordered = isNumeric && ids !== 'unordered'
    sink.tick({
      symbol: field(columns.symbol),
      eventTime,
      price,
      size,
      side,
      tradeId: isNumeric ? numeric : hashId(idText === '' ? `${position}:${line}` : idText),
      idOrder: ordered ? 'monotonic' : 'unordered',
      sequence: ordered ? numeric : position,
      line: lineName,
      ingestTime: eventTime,
    })
  }
}
