import type { Candle } from './candle.ts'
import { decimalText, vwapText } from './decimal-text.ts'
import { intervalName } from './intervals.ts'

export const candleCsvHeader =
  'symbol,interval,start_ms,end_ms,open,high,low,close,volume,quote_volume,vwap,trades,final,revision'

/** A spreadsheet must not take a field for a formula: such text is quoted behind an apostrophe. */
function textField(text: string): string {
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}

/** One candle as a line of the export: plain decimals, vwap empty where the volume is 0. */
export function candleCsvLine(candle: Candle): string {
  return [
    textField(candle.symbol),
    intervalName(candle.interval),
    candle.start,
    candle.end,
    decimalText(candle.open),
    decimalText(candle.high),
    decimalText(candle.low),
    decimalText(candle.close),
    decimalText(candle.volume),
    decimalText(candle.quoteVolume),
    vwapText(candle),
    candle.trades,
    candle.final,
    candle.revision,
  ].join(',')
}
