/** The candle intervals on offer, in ms by name; the same as the server's (a test compares them). */
export const intervals: ReadonlyMap<string, number> = new Map([
  ['1m', 60_000],
  ['5m', 300_000],
  ['15m', 900_000],
  ['30m', 1_800_000],
  ['1h', 3_600_000],
  ['4h', 14_400_000],
  ['1d', 86_400_000],
])

/** What is on screen: one symbol at one interval. */
export interface View {
  readonly symbol: string
  readonly interval: string
}

/** Symbols as the server takes them (a test compares the patterns). */
export const symbolPattern = /^[A-Za-z0-9][A-Za-z0-9:._/-]{0,31}$/

/**
 * `{symbol, interval}` of `#BTC-USDT/1m`, undefined for no symbol. A symbol may hold slashes, so the interval is the last
 * part; `1m` where it is missing or unknown.
 */
export function viewOfHash(hash: string): View | undefined {
  const parts = /^#?(.*?)(?:\/(\d+[a-zA-Z]))?$/.exec(decoded(hash))
  const [, symbol = '', interval = ''] = parts ?? []
  if (!symbolPattern.test(symbol)) return undefined
  return { symbol, interval: intervals.has(interval) ? interval : '1m' }
}

export function hashOfView(view: View): string {
  return `#${view.symbol}/${view.interval}`
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return ''
  }
}
