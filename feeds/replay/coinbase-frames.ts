import type { LineParserOptions, LineSink } from './line-parser.ts'
import { decimalOf, fieldOf, fieldText, integerOf } from './line-parser.ts'

/**
 * Reads Coinbase's frames: `match` and `last_match` give a tick, everything else is ignored.
 * Their `side` is the maker's, so the aggressor's is the opposite.
 */
export function readCoinbaseFrame(
  frame: unknown,
  position: number,
  receivedAt: number,
  options: LineParserOptions,
  sink: LineSink,
): void {
  const kind = fieldOf(frame, 'type')
  if (kind !== 'match' && kind !== 'last_match') {
    sink.ignore()
    return
  }
  const eventTime = Date.parse(fieldText(fieldOf(frame, 'time')))
  const price = decimalOf(fieldText(fieldOf(frame, 'price')))
  const size = decimalOf(fieldText(fieldOf(frame, 'size')))
  const tradeId = integerOf(fieldText(fieldOf(frame, 'trade_id')))
  const makerSide = fieldOf(frame, 'side')
  if (Number.isNaN(eventTime + price + size + tradeId)) {
    sink.refuse('MALFORMED', `A ${kind} frame has time, price, size and trade_id`)
    return
  }
  const ordered = options.ids !== 'unordered'
  sink.tick({
    symbol: fieldText(fieldOf(frame, 'product_id')),
    eventTime,
    price,
    size,
    side: makerSide === 'sell' ? 'buy' : makerSide === 'buy' ? 'sell' : 'unknown',
    tradeId,
    idOrder: ordered ? 'monotonic' : 'unordered',
    sequence: ordered ? tradeId : position,
    line: options.line,
    ingestTime: receivedAt,
  })
}
