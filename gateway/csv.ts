import type { CandleJson } from './candle-text.ts'

const columns = [
  'symbol',
  'interval',
  'start',
  'end',
  'open',
  'high',
  'low',
  'close',
  'volume',
  'quoteVolume',
  'vwap',
  'trades',
  'final',
  'revision',
] as const satisfies readonly (keyof CandleJson)[]

/** Candles as CSV (RFC 4180) with a header line; a symbol that a spreadsheet would run as a formula gets a leading quote. */
export function candlesCsv(candles: readonly CandleJson[]): string {
  const lines = candles.map((candle) => columns.map((column) => cell(column, candle[column])).join(','))
  return `${[columns.join(','), ...lines].join('\r\n')}\r\n`
}

function cell(column: keyof CandleJson, value: string | number | boolean | null): string {
  const text = value === null ? '' : String(value)
  if (column !== 'symbol') return text
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}
