/** A candle on the wire: start, open, high, low, close, volume, trades. */
export type Row = readonly [number, string, string, string, string, string, number]

/** One channel's candles and its place `(e, q, seq)`. */
export interface FakeChannel {
  readonly rows: Row[]
  /** Every update so far, for a resume: its number and its text without the channel. */
  readonly log: { readonly q: number; readonly fields: Record<string, unknown> }[]
  readonly intervalMs: number
  e: number
  q: number
  seq: number
}

/** Symbols of the fake market, with the price they start at and the digits of their prices. */
export const fakeSymbols: ReadonlyMap<string, { readonly price: number; readonly digits: number }> = new Map([
  ['ADA-USDT', { price: 0.4821, digits: 4 }],
  ['AVAX-USDT', { price: 27.41, digits: 2 }],
  ['BTC-USDT', { price: 84_210, digits: 2 }],
  ['DOGE-USDT', { price: 0.14213, digits: 5 }],
  ['DOT-USDT', { price: 4.912, digits: 3 }],
  ['ETH-USDT', { price: 2760, digits: 2 }],
  ['LINK-USDT', { price: 12.34, digits: 2 }],
  ['LTC-USDT', { price: 91.2, digits: 2 }],
  ['SHIB-USDT', { price: 0.00000821, digits: 8 }],
  ['SOL-USDT', { price: 128.4, digits: 2 }],
  ['TRX-USDT', { price: 0.2741, digits: 4 }],
  ['XRP-USDT', { price: 1.962, digits: 4 }],
])

/** A random walk of `count` candles up to the one that holds `now`; the same for the same symbol and interval. */
export function fakeRows(symbol: string, intervalMs: number, count: number, now: number): Row[] {
  const { price, digits } = fakeSymbols.get(symbol) ?? { price: 100, digits: 2 }
  const random = seeded(intervalMs / 1000 + [...symbol].reduce((sum, c) => sum * 31 + c.charCodeAt(0), 7))
  const last = Math.floor(now / intervalMs) * intervalMs
  const sway = price * 0.0009 * Math.sqrt(intervalMs / 60_000)
  const rows: Row[] = []
  let close = price
  for (let i = 0; i < count; i++) {
    const open = close
    close = Math.max(price / 10, open + (random() + random() + random() - 1.5) * sway * 1.4)
    const high = Math.max(open, close) + random() * sway * 0.6
    const low = Math.min(open, close) - random() * sway * 0.6
    const volume = (400_000 / price) * (0.2 + random() * random() * 2)
    const prices = [open, high, low, close].map((value) => value.toFixed(digits))
    const [o = '', h = '', l = '', c = ''] = prices
    rows.push([last - (count - 1 - i) * intervalMs, o, h, l, c, volume.toFixed(4), Math.round(20 + random() * 400)])
  }
  return rows
}

function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}
