import { hashId } from '../hash-id.ts'
import type { LineParserOptions, LineSink } from './line-parser.ts'
import { decimalOf, fieldText } from './line-parser.ts'

/**
 * Reads Kraken's v1 frames: `[channelID, [[price, volume, time, side, type, misc], …], "trade", pair]` gives a tick for
 * each inner row, everything else is ignored. These trades carry no id: it is a hash of the fields, and of how many
 * equal ones stood before it in the frame.
 */
export function readKrakenFrame(
  frame: unknown,
  position: number,
  receivedAt: number,
  options: LineParserOptions,
  sink: LineSink,
): void {
  if (!Array.isArray(frame) || frame[2] !== 'trade' || !Array.isArray(frame[1])) {
    sink.ignore()
    return
  }
  const rows: readonly unknown[] = frame[1]
  const symbol = fieldText(frame[3])
  const seen = new Map<string, number>()
  for (const row of rows) {
    const [priceText, sizeText, timeText, sideText] = Array.isArray(row) ? row.map(fieldText) : []
    const price = decimalOf(priceText ?? '')
    const size = decimalOf(sizeText ?? '')
    const eventTime = Math.floor(decimalOf(timeText ?? '') * 1_000)
    if (Number.isNaN(price + size + eventTime)) {
      sink.refuse('MALFORMED', 'A trade row has price, volume and time')
      continue
    }
    const fields = [symbol, priceText, sizeText, timeText, sideText].join('|')
    const ordinal = seen.get(fields) ?? 0
    seen.set(fields, ordinal + 1)
    sink.tick({
      symbol,
      eventTime,
      price,
      size,
      side: sideText === 'b' ? 'buy' : sideText === 's' ? 'sell' : 'unknown',
      tradeId: hashId(`${fields}|${ordinal}`),
      idOrder: 'unordered',
      sequence: position,
      line: options.line,
      ingestTime: receivedAt,
    })
  }
}
