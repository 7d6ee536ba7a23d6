import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import type { Side } from '../schemas/tick.ts'
import type { OracleTick } from './oracle.ts'

const sides = new Map<string, Side>([
  ['buy', 'buy'],
  ['sell', 'sell'],
])

/**
 * Trades of a CSV as the oracle takes them: read apart from the feed's parser, on purpose. Ids that are no number are
 * told apart by their text alone, and ordered by their row.
 */
export function readTrades(path: string): OracleTick[] {
  const bytes = readFileSync(path)
  const text = (path.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8')
  const names = new Map<string, number>()
  return text
    .split('\n')
    .slice(1)
    .filter((line) => line !== '')
    .map((line, row): OracleTick => {
      const [symbol = '', time, price, size, side = '', id = ''] = line.split(',')
      const isNumber = /^\d+$/.test(id)
      if (!isNumber && !names.has(id)) names.set(id, -1 - names.size)
      return {
        symbol,
        eventTime: Number(time),
        price: Number(price),
        size: Number(size),
        side: sides.get(side) ?? 'unknown',
        tradeId: isNumber ? Number(id) : (names.get(id) ?? 0),
        sequence: isNumber ? Number(id) : row,
      }
    })
}

/** One line of `export`, numbers as numbers; vwap NaN where it is empty. */
export interface ExportedCandle {
  readonly symbol: string
  readonly interval: string
  readonly start: number
  readonly end: number
  readonly open: number
  readonly high: number
  readonly low: number
  readonly close: number
  readonly volume: number
  readonly quoteVolume: number
  readonly vwap: number
  readonly trades: number
  readonly final: string
  readonly revision: number
}

export function parseExport(csv: string): ExportedCandle[] {
  return csv
    .trimEnd()
    .split('\n')
    .slice(1)
    .map((line) => {
      const [symbol = '', interval = '', ...rest] = line.split(',')
      const [start, end, open, high, low, close, volume, quoteVolume, vwap, trades, final = '', revision] = rest
      return {
        symbol,
        interval,
        start: Number(start),
        end: Number(end),
        open: Number(open),
        high: Number(high),
        low: Number(low),
        close: Number(close),
        volume: Number(volume),
        quoteVolume: Number(quoteVolume),
        vwap: vwap === '' ? Number.NaN : Number(vwap),
        trades: Number(trades),
        final,
        revision: Number(revision),
      }
    })
}
