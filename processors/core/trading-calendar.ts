import { type TradingSpec, tradingAssigner } from './windows/calendar.ts'
import type { WindowAssigner } from './windows/span.ts'

/** When symbols trade: each by its own hours, the others by the default, or always. */
export interface TradingCalendar {
  readonly default?: TradingSpec
  readonly symbols?: Readonly<Record<string, TradingSpec>>
}

/** Sessions are at least this long: a window that meets one is found by looking this often. */
const sessionMsMin = 300_000

/**
 * Tells windows in which nothing can trade.
 *
 * @returns Whether a symbol's venue is closed for all of `[start, end)`, epoch ms; false where no hours are known.
 * @throws {FatalError} `BAD_ZONE`, `BAD_TRADING_HOURS`.
 */
export function createTradingCalendar(
  calendar: TradingCalendar,
): (symbol: string, start: number, end: number) => boolean {
  const common = calendar.default === undefined ? undefined : tradingAssigner(calendar.default)
  const own = new Map<string, WindowAssigner>(
    Object.entries(calendar.symbols ?? {}).map(([symbol, spec]) => [symbol, tradingAssigner(spec)]),
  )
  return (symbol, start, end) => {
    const sessionsAt = own.get(symbol) ?? common
    if (sessionsAt === undefined) return false
    for (let time = start; time < end; time += sessionMsMin) if (sessionsAt(time).length > 0) return false
    return sessionsAt(end - 1).length === 0
  }
}
