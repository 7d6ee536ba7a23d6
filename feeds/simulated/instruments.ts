import { seedOf, slotRandom } from './slot-random.ts'

/** What a simulated symbol is like. */
export interface Instrument {
  readonly symbol: string
  /** Price that it is drawn back to. */
  readonly basePrice: number
  readonly priceDecimals: number
  readonly typicalSize: number
  readonly sizeDecimals: number
  /** Mean trades per second. */
  readonly rate: number
  /** Standard deviation of a trade's price move in calm times, relative. */
  readonly step: number
}

interface Model extends Omit<Instrument, 'rate'> {
  /** Share of the ticks per second. */
  readonly share?: number
  /** Mean seconds between trades, of a quiet one. */
  readonly everySeconds?: number
}

const models: readonly Model[] = [
  {
    symbol: 'BTC-USDT',
    basePrice: 97_000,
    priceDecimals: 2,
    typicalSize: 0.012,
    sizeDecimals: 5,
    step: 2e-5,
    share: 35,
  },
  { symbol: 'ETH-USDT', basePrice: 3_300, priceDecimals: 2, typicalSize: 0.25, sizeDecimals: 4, step: 3e-5, share: 27 },
  { symbol: 'SOL-USDT', basePrice: 190, priceDecimals: 2, typicalSize: 4, sizeDecimals: 3, step: 5e-5, share: 16 },
  { symbol: 'XRP-USDT', basePrice: 2.2, priceDecimals: 4, typicalSize: 250, sizeDecimals: 1, step: 6e-5, share: 11 },
  { symbol: 'ADA-USDT', basePrice: 0.91, priceDecimals: 4, typicalSize: 600, sizeDecimals: 1, step: 9e-5, share: 6 },
  { symbol: 'DOGE-USDT', basePrice: 0.33, priceDecimals: 5, typicalSize: 900, sizeDecimals: 0, step: 9e-5, share: 5 },
  {
    symbol: 'LTC-BTC',
    basePrice: 0.00112,
    priceDecimals: 6,
    typicalSize: 3,
    sizeDecimals: 3,
    step: 6e-4,
    everySeconds: 150,
  },
  {
    symbol: 'XMR-USDT',
    basePrice: 205,
    priceDecimals: 1,
    typicalSize: 1.5,
    sizeDecimals: 3,
    step: 6e-4,
    everySeconds: 240,
  },
]

/** Symbols that a simulation has by default: six lively ones and two that trade every few minutes. */
export const simulatedSymbols: readonly string[] = models.map((model) => model.symbol)

function invented(symbol: string): Model {
  const random = slotRandom(seedOf(symbol, 0), 0)
  const magnitude = Math.floor(random.uniform() * 5) - 1
  const basePrice = (1 + 9 * random.uniform()) * 10 ** magnitude
  const priceDecimals = Math.max(2, 4 - magnitude)
  return { symbol, basePrice, priceDecimals, typicalSize: 100 / basePrice, sizeDecimals: 4, step: 6e-5, share: 10 }
}

/** The instruments of these symbols; what is not known by name is made up from it. */
export function instrumentsOf(symbols: readonly string[], ticksPerSecond: number): readonly Instrument[] {
  const chosen = symbols.map((symbol) => models.find((model) => model.symbol === symbol) ?? invented(symbol))
  const shares = chosen.reduce((sum, model) => sum + (model.share ?? 0), 0)
  return chosen.map(({ share, everySeconds, ...model }) => {
    const rate = everySeconds === undefined ? (ticksPerSecond * (share ?? 0)) / shares : 1 / everySeconds
    return { ...model, rate }
  })
}
