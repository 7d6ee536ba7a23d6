import { type Candle, closedByNames, fillNames } from '../../schemas/candle.ts'
import { type CandleColumns, candleNumbers, createCandleColumns } from '../../schemas/candle-columns.ts'
import { twoSumError } from '../../schemas/double-double.ts'
import { windowField as field, type WindowColumns, windowStatus, windowWidth } from './window-columns.ts'

const kindCodes = { update: 0, final: 1, correction: 2 } as const
const blindFill = fillNames.indexOf('blind')
const quietFill = fillNames.indexOf('quiet')

/** Makes room for more candle rows, in place: at least twice of what there was. */
function grow(rows: CandleColumns, capacity = 0): void {
  const larger = createCandleColumns(Math.max(rows.symbol.length * 2, capacity))
  larger.symbol.set(rows.symbol)
  larger.interval.set(rows.interval)
  for (const name of candleNumbers) larger[name].set(rows[name])
  for (const name of codeRows) larger[name].set(rows[name])
  Object.assign(rows, larger, { length: rows.length })
}

const codeRows = ['closedBy', 'fill', 'kind', 'partial'] as const

/** Appends one window as a candle row: an update while it is open, then its final, then corrections. */
export function appendCandle(
  rows: CandleColumns,
  symbol: number,
  sizeMs: number,
  from: WindowColumns,
  k: number,
): void {
  if (rows.length === rows.symbol.length) grow(rows)
  const i = rows.length++
  const status = from.status[k] as number
  const { values } = from
  const at = k * windowWidth
  rows.symbol[i] = symbol
  rows.interval[i] = sizeMs / 1000
  rows.start[i] = (values[at + field.number] as number) * sizeMs
  rows.open[i] = values[at + field.open] as number
  rows.high[i] = values[at + field.high] as number
  rows.low[i] = values[at + field.low] as number
  rows.close[i] = values[at + field.close] as number
  putSum(rows.volume, rows.volumeLow, i, values, at + field.volume)
  putSum(rows.quoteVolume, rows.quoteVolumeLow, i, values, at + field.quoteVolume)
  putSum(rows.buyVolume, rows.buyVolumeLow, i, values, at + field.buyVolume)
  rows.trades[i] = values[at + field.trades] as number
  rows.firstTradeId[i] = values[at + field.openId] as number
  rows.lastTradeId[i] = values[at + field.closeId] as number
  // Every tick changes it; history counts apart.
  rows.revision[i] = (values[at + field.trades] as number) + (from.extra[k] as number)
  rows.seq[i] = 0
  rows.closedBy[i] = from.closedBy[k] as number
  rows.fill[i] = status & windowStatus.blind ? blindFill : values[at + field.trades] === 0 ? quietFill : 0
  rows.partial[i] = status & (windowStatus.blind | windowStatus.partial) ? 1 : 0
  rows.kind[i] =
    (status & windowStatus.fired) === 0
      ? kindCodes.update
      : status & windowStatus.published
        ? kindCodes.correction
        : kindCodes.final
}

function putSum(high: Float64Array, low: Float64Array, i: number, sums: Float64Array, at: number): void {
  const h = sums[at] as number
  const l = sums[at + 1] as number
  const rounded = h + l
  high[i] = rounded
  low[i] = twoSumError(h, l, rounded)
}

/** Appends row `i` of `from`. */
export function copyCandle(rows: CandleColumns, from: CandleColumns, i: number): void {
  if (rows.length === rows.symbol.length) grow(rows)
  const at = rows.length++
  rows.symbol[at] = from.symbol[i] as number
  rows.interval[at] = from.interval[i] as number
  for (const name of candleNumbers) rows[name][at] = from[name][i] as number
  for (const name of codeRows) rows[name][at] = from[name][i] as number
}

/** Appends the first `count` rows of `from`. */
export function copyCandles(rows: CandleColumns, from: CandleColumns, count: number): void {
  const at = rows.length
  if (at + count > rows.symbol.length) grow(rows, at + count)
  rows.length += count
  rows.symbol.set(from.symbol.subarray(0, count), at)
  rows.interval.set(from.interval.subarray(0, count), at)
  for (const name of candleNumbers) rows[name].set(from[name].subarray(0, count), at)
  for (const name of codeRows) rows[name].set(from[name].subarray(0, count), at)
}

/** Row `i` as a candle. */
export function candleOf(rows: CandleColumns, i: number, symbol: string): Candle {
  const start = rows.start[i] as number
  const interval = rows.interval[i] as number
  return {
    symbol,
    interval,
    start,
    end: start + interval * 1000,
    open: rows.open[i] as number,
    high: rows.high[i] as number,
    low: rows.low[i] as number,
    close: rows.close[i] as number,
    volume: rows.volume[i] as number,
    volumeLow: rows.volumeLow[i] as number,
    quoteVolume: rows.quoteVolume[i] as number,
    quoteVolumeLow: rows.quoteVolumeLow[i] as number,
    buyVolume: rows.buyVolume[i] as number,
    buyVolumeLow: rows.buyVolumeLow[i] as number,
    trades: rows.trades[i] as number,
    firstTradeId: rows.firstTradeId[i] as number,
    lastTradeId: rows.lastTradeId[i] as number,
    final: rows.kind[i] !== kindCodes.update,
    revision: rows.revision[i] as number,
    closedBy: closedByNames[rows.closedBy[i] as number] ?? 'open',
    fill: fillNames[rows.fill[i] as number] ?? 'traded',
    partial: rows.partial[i] === 1,
    seq: rows.seq[i] as number,
  }
}
