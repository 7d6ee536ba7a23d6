import fc from 'fast-check'
import type { Candle } from '../schemas/candle.ts'
import type { Tick } from '../schemas/tick.ts'
import type { LogEntry } from './column-log.ts'
import type { Emitted } from './pipeline.ts'

/** A tick, and how long after its event it comes, one time and the other. */
export interface Arrival {
  readonly tick: Tick
  readonly delayMs: number
  readonly otherDelayMs: number
}

export const arrivalSymbols = ['A', 'B', 'C', 'D', 'E', 'F'] as const
export const lineEnd: LogEntry = { control: { kind: 'end', line: 'x' } }

/** Ticks by event time; prices are whole and sizes are eighths, so that every sum is exact. */
export const arrivals = (delayMsMax: number): fc.Arbitrary<Arrival[]> =>
  fc
    .array(
      fc.record({
        symbol: fc.constantFrom(...arrivalSymbols),
        step: fc.oneof({ weight: 6, arbitrary: fc.nat(9000) }, { weight: 1, arbitrary: fc.nat(2_000_000) }),
        price: fc.integer({ min: 1, max: 1000 }),
        eighths: fc.integer({ min: 1, max: 80 }),
        side: fc.constantFrom<Tick['side']>('buy', 'sell', 'unknown'),
        delayMs: fc.nat(delayMsMax),
        otherDelayMs: fc.nat(delayMsMax),
      }),
      { minLength: 1, maxLength: 120 },
    )
    .map((rows) => {
      let eventTime = -3_000_000
      return rows.map(({ symbol, step, price, eighths, side, delayMs, otherDelayMs }, i) => {
        eventTime += step
        const id = { tradeId: i + 1, sequence: i + 1, idOrder: 'monotonic' } as const
        const tick = { ...{ symbol, eventTime, price, size: eighths / 8, side }, ...id, line: 'x', ingestTime: 0 }
        return { tick, delayMs, otherDelayMs }
      })
    })

/** In the order in which they come. */
export function arrived(given: readonly Arrival[], delayMsOf: (one: Arrival) => number): LogEntry[] {
  const at = (one: Arrival): number => one.tick.eventTime + delayMsOf(one)
  return [...given].sort((a, b) => at(a) - at(b)).map(({ tick }) => ({ tick }))
}

type Content = Pick<
  Candle,
  | 'symbol'
  | 'interval'
  | 'start'
  | 'open'
  | 'high'
  | 'low'
  | 'close'
  | 'volume'
  | 'quoteVolume'
  | 'buyVolume'
  | 'trades'
  | 'firstTradeId'
  | 'lastTradeId'
>

export const candleKey = ({ symbol, interval, start }: Pick<Candle, 'symbol' | 'interval' | 'start'>): string =>
  `${symbol} ${interval} ${start}`

/** What candles hold, by key, whatever closed them and how often they were told; of several of a key the last. */
export function contentsOf(candles: Iterable<Content>): Map<string, Content> {
  const contents = new Map<string, Content>()
  for (const one of candles) {
    const { symbol, interval, start, open, high, low, close, volume, quoteVolume, buyVolume, trades } = one
    const { firstTradeId, lastTradeId } = one
    contents.set(candleKey(one), {
      ...{ symbol, interval, start, open, high, low, close, volume, quoteVolume, buyVolume, trades },
      ...{ firstTradeId, lastTradeId },
    })
  }
  return contents
}

/** The table that finals and corrections make: of each candle the last word. */
export const tableOf = (emitted: readonly Emitted[]): Map<string, Content> =>
  contentsOf(emitted.filter(({ kind }) => kind !== 'update').map(({ candle }) => candle))
