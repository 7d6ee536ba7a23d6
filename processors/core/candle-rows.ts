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
  return putCandle(blankCandle(), rows, i, symbol)
}

/** A candle to be filled by `putCandle`. */
export function blankCandle(): { -readonly [Name in keyof Candle]: Candle[Name] } {
  return {
    symbol: '',
    interval: 0,
    start: 0,
    end: 0,
    open: 0,
    high: 0,
    low: 0,
    close: 0,
    volume: 0,
    volumeLow: 0,
    quoteVolume: 0,
    quoteVolumeLow: 0,
    buyVolume: 0,
    buyVolumeLow: 0,
    trades: 0,
    firstTradeId: 0,
    lastTradeId: 0,
    final: false,
    revision: 0,
    closedBy: 'open',
    fill: 'traded',
    partial: false,
    seq: 0,
  }
}

/** Row `i`, into a candle that is there already. Field by field: a loop over their names takes several times as long. */
export function putCandle(
  candle: ReturnType<typeof blankCandle>,
  rows: CandleColumns,
  i: number,
  symbol: string,
): Candle {
  const start = rows.start[i] as number
  const interval = rows.interval[i] as number
  candle.symbol = symbol
  candle.interval = interval
  candle.start = start
  candle.end = start + interval * 1000
  candle.open = rows.open[i] as number
  candle.high = rows.high[i] as number
  candle.low = rows.low[i] as number
  candle.close = rows.close[i] as number
  candle.volume = rows.volume[i] as number
  candle.volumeLow = rows.volumeLow[i] as number
  candle.quoteVolume = rows.quoteVolume[i] as number
  candle.quoteVolumeLow = rows.quoteVolumeLow[i] as number
  candle.buyVolume = rows.buyVolume[i] as number
  candle.buyVolumeLow = rows.buyVolumeLow[i] as number
  candle.trades = rows.trades[i] as number
  candle.firstTradeId = rows.firstTradeId[i] as number
  candle.lastTradeId = rows.lastTradeId[i] as number
  candle.revision = rows.revision[i] as number
  candle.seq = rows.seq[i] as number
  candle.final = rows.kind[i] !== kindCodes.update
  candle.closedBy = closedByNames[rows.closedBy[i] as number] ?? 'open'
  candle.fill = fillNames[rows.fill[i] as number] ?? 'traded'
  candle.partial = rows.partial[i] === 1
  return candle
}
