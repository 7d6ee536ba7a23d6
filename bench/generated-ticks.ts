import type { Tick } from '../schemas/tick.ts'
import { createRandom } from '../topology/random.ts'

export interface GeneratedTicksOptions {
  readonly ticks: number
  readonly symbols: number
  /** Ticks arrive up to this much behind the newest. */
  readonly jitterMs: number
}

/** First window of the generated hours. */
export const generatedStartMs = 1_700_000_040_000
export const generatedSpanMs = 7_200_000
const seed = 42

/** Symbol `i` of a generated log. */
export function symbolName(i: number): string {
  return `SYM${String(i).padStart(3, '0')}`
}

/**
 * Two hours of ticks in order of arrival, the same at every call: symbols by Zipf's law, prices that walk by cents, ids
 * that count up by symbol.
 */
export function* generatedTicks({ ticks, symbols, jitterMs }: GeneratedTicksOptions): Generator<Tick> {
  const random = createRandom(seed)
  const below = (bound: number): number => Math.floor(random() * bound)
  const weights = new Float64Array(symbols)
  let total = 0
  for (let i = 0; i < symbols; i++) weights[i] = total += 1 / (i + 1)
  const names = Array.from({ length: symbols }, (_, i) => symbolName(i))
  const cents = Int32Array.from(names, () => 1000 + below(90_000))
  const ids = new Float64Array(symbols)
  const sides = ['buy', 'sell'] as const
  for (let i = 0; i < ticks; i++) {
    const s = placeOf(weights, random() * total)
    cents[s] = Math.max(100, (cents[s] as number) + below(11) - 5)
    const id = (ids[s] as number) + 1
    ids[s] = id
    const arrival = generatedStartMs + Math.floor((i * generatedSpanMs) / ticks)
    yield {
      symbol: names[s] ?? '',
      eventTime: Math.max(generatedStartMs, arrival - below(jitterMs + 1)),
      price: (cents[s] as number) / 100,
      size: (1 + below(800)) / 8,
      side: sides[below(2)] ?? 'buy',
      tradeId: id,
      idOrder: 'monotonic',
      sequence: id,
      line: 'bench',
      ingestTime: arrival,
    }
  }
}

/** First place whose running sum is above `value`. */
function placeOf(sums: Float64Array, value: number): number {
  let low = 0
  let high = sums.length - 1
  while (low < high) {
    const middle = (low + high) >> 1
    if ((sums[middle] as number) > value) high = middle
    else low = middle + 1
  }
  return low
}
