import type { LineParserOptions, LineSink } from './line-parser.ts'
import { decimalOf, fieldOf, fieldText, integerOf } from './line-parser.ts'

/**
 * Reads Binance's combined-stream frames: `trade` and `aggTrade` give a tick, everything else is ignored.
 * `m` says that the buyer was the maker, so the aggressor sold.
 */
export function readBinanceFrame(
  frame: unknown,
  position: number,
  receivedAt: number,
  options: LineParserOptions,
  sink: LineSink,
): void {
  const data = fieldOf(frame, 'data')
  const kind = fieldOf(data, 'e')
  if (kind !== 'trade' && kind !== 'aggTrade') {
    sink.ignore()
    return
  }
  const eventTime = integerOf(fieldText(fieldOf(data, 'T')))
  const price = decimalOf(fieldText(fieldOf(data, 'p')))
  const size = decimalOf(fieldText(fieldOf(data, 'q')))
  const tradeId = integerOf(fieldText(fieldOf(data, kind === 'trade' ? 't' : 'a')))
  const buyerMade = fieldOf(data, 'm')
  if (Number.isNaN(eventTime + price + size + tradeId)) {
    sink.refuse('MALFORMED', `A ${kind} frame has numbers in T, p, q and its id`)
    return
  }
  const ordered = options.ids !== 'unordered'
  sink.tick({
    symbol: fieldText(fieldOf(data, 's')),
    eventTime,
    price,
    size,
    side: buyerMade === true ? 'sell' : buyerMade === false ? 'buy' : 'unknown',
    tradeId,
    idOrder: ordered ? 'monotonic' : 'unordered',
    sequence: ordered ? tradeId : position,
    line: options.line,
    ingestTime: receivedAt,
  })
}
