import type { CandleStore, SymbolSpan } from '../ports/candle-store.ts'
import type { Clock } from '../ports/clock.ts'

/** The store's symbols, read at most once in `ageMaxMs` however many ask. */
export function createSymbolList(
  store: CandleStore,
  clock: Clock,
  ageMaxMs = 1000,
): () => Promise<readonly SymbolSpan[]> {
  let current: Promise<readonly SymbolSpan[]> | undefined
  let readAt = 0
  return () => {
    if (current !== undefined && clock.monotonic() - readAt < ageMaxMs) return current
    readAt = clock.monotonic()
    const reading = store.symbols()
    current = reading
    reading.catch(() => {
      if (current === reading) current = undefined
    })
    return reading
  }
}
