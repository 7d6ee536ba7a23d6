import type { Side } from '../../schemas/tick.ts'
import { hashId } from '../hash-id.ts'
import { decimalAt, integerAt } from './field-numbers.ts'
import type { LineParser, LineParserOptions } from './line-parser.ts'

const sides = new Map<string, Side>([
  ['buy', 'buy'],
  ['b', 'buy'],
  ['sell', 'sell'],
  ['s', 'sell'],
  ['unknown', 'unknown'],
  ['', 'unknown'],
])

interface CsvColumns {
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
  // Where each field begins; the last entry is where one after the line would. Reused from row to row.
  const starts = new Int32Array(columns.count + 1)
  // Neighbours often agree: a text that is the same as the row's before is not made again.
  let lastSymbol = ''
  let lastSide = ''

  function symbolAt(line: string): string {
    const from = starts[columns.symbol] ?? 0
    const to = (starts[columns.symbol + 1] ?? 0) - 1
    if (to - from !== lastSymbol.length || !line.startsWith(lastSymbol, from)) lastSymbol = line.slice(from, to)
    return lastSymbol
  }

  function sideAt(line: string): Side | undefined {
    const from = starts[columns.side] ?? 0
    const to = (starts[columns.side + 1] ?? 0) - 1
    if (to - from !== lastSide.length || !line.startsWith(lastSide, from)) lastSide = line.slice(from, to).toLowerCase()
    return sides.get(lastSide)
  }

  function idTextAt(line: string): string {
    if (columns.tradeId < 0) return ''
    return line.slice(starts[columns.tradeId], (starts[columns.tradeId + 1] ?? 0) - 1)
  }

  return (line, position, sink) => {
    const count = findFields(line, starts)
    if (count !== columns.count) {
      sink.refuse('MALFORMED', `A row has ${columns.count} fields, this one has ${count}`)
      return
    }
    const from = (at: number) => starts[at] ?? 0
    const to = (at: number) => (starts[at + 1] ?? 0) - 1
    const eventTime = integerAt(line, from(columns.time), to(columns.time))
    if (Number.isNaN(eventTime)) {
      sink.refuse('BAD_TIME', 'ts_ms is a whole number of milliseconds')
      return
    }
    const price = decimalAt(line, from(columns.price), to(columns.price))
    if (Number.isNaN(price)) {
      sink.refuse('BAD_PRICE', 'price is a decimal number')
      return
    }
    const size = decimalAt(line, from(columns.size), to(columns.size))
    if (Number.isNaN(size)) {
      sink.refuse('BAD_SIZE', 'size is a decimal number')
      return
    }
    const side = columns.side < 0 ? 'unknown' : sideAt(line)
    if (side === undefined) {
      sink.refuse('MALFORMED', 'side is buy, sell, unknown, B or S')
      return
    }
    const numeric = columns.tradeId < 0 ? Number.NaN : integerAt(line, from(columns.tradeId), to(columns.tradeId))
    const isNumeric = numeric >= 0
    if (ids === 'monotonic' && !isNumeric) {
      sink.refuse('MALFORMED', 'trade_id is a whole number up to 2^53 - 1 where ids are monotonic')
      return
    }
    const ordered = isNumeric && ids !== 'unordered'
    sink.tick({
      symbol: symbolAt(line),
      eventTime,
      price,
      size,
      side,
      tradeId: isNumeric ? numeric : hashId(idTextAt(line) || `${position}:${line}`),
      idOrder: ordered ? 'monotonic' : 'unordered',
      sequence: ordered ? numeric : position,
      line: lineName,
      ingestTime: eventTime,
    })
  }
}

/** Fills `starts` as far as it goes. @returns The number of fields. */
function findFields(line: string, starts: Int32Array): number {
  let count = 0
  for (let from = 0; from >= 0; count++) {
    if (count < starts.length) starts[count] = from
    from = line.indexOf(',', from) + 1 || -1
  }
  if (count < starts.length) starts[count] = line.length + 1
  return count
}
