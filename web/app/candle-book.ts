import type { Bar, Position, Snapshot, Subscribed, Update } from './protocol.ts'

/** What a message did to the book. */
export type BookChange =
  /** Already known, or not ours: nothing changed. */
  | { readonly kind: 'none' }
  /** Everything changed: draw it all. */
  | { readonly kind: 'all' }
  /** Only these bars changed; `inserted` where one of them is new and not the newest. */
  | { readonly kind: 'bars'; readonly bars: readonly Bar[]; readonly inserted: boolean }
  /** An update is missing: ask again from `position()`. */
  | { readonly kind: 'gap' }

/** Most bars that are held; loading older ones stops there. */
export const barsMax = 20_000

/** Reasons whose snapshot stands for the whole channel; any other one is laid over what is here. */
const wholeReasons = new Set(['initial', 'reset', ''])

export type CandleBook = ReturnType<typeof createCandleBook>

/**
 * The candles of one channel, ascending by start, kept right by `(e, q)`: a record applies iff it is greater than the
 * last one; a jump that neither a snapshot nor `pq` explains is a gap.
 */
export function createCandleBook() {
  let bars: Bar[] = []
  let at: Position | undefined
  let store: string | undefined

  /** First index whose start is `>= start`. */
  function indexOf(start: number): number {
    let low = 0
    let high = bars.length
    while (low < high) {
      const middle = (low + high) >> 1
      if ((bars[middle]?.start ?? 0) < start) low = middle + 1
      else high = middle
    }
    return low
  }

  /** Puts a bar in its place; true where it is new and not the newest. */
  function put(bar: Bar): boolean {
    const index = indexOf(bar.start)
    if (bars[index]?.start === bar.start) {
      bars[index] = bar
      return false
    }
    bars.splice(index, 0, bar)
    return index < bars.length - 1
  }

  return {
    bars: (): readonly Bar[] => bars,
    at: (start: number): Bar | undefined => {
      const bar = bars[indexOf(start)]
      return bar?.start === start ? bar : undefined
    },
    before: (start: number): Bar | undefined => bars[indexOf(start) - 1],
    newest: (): Bar | undefined => bars.at(-1),
    /** The resume token; undefined before anything came. */
    position: (): Position | undefined => (at === undefined ? undefined : { ...at, store }),

    /** Takes the server's store, and its position where no snapshot will come to set one. */
    subscribed(result: Subscribed): void {
      store = result.position.store ?? store
      if (result.mode === 'live-only') at = { ...result.position, seq: Math.max(result.position.seq, at?.seq ?? 0) }
    },

    snapshot(snapshot: Snapshot): BookChange {
      const { position } = snapshot
      const whole = bars.length === 0 || wholeReasons.has(snapshot.reason)
      if (!whole && at !== undefined && position.e < at.e) return { kind: 'none' }
      // What was open is either among the snapshot's bars or is no more.
      bars = whole ? [] : bars.filter((bar) => bar.final)
      for (const bar of snapshot.bars) put(bar)
      store = position.store ?? store
      at = { ...position, seq: whole ? position.seq : Math.max(position.seq, at?.seq ?? 0) }
      return { kind: 'all' }
    },

    update(update: Update): BookChange {
      if (at === undefined) return { kind: 'gap' }
      const e = update.e ?? at.e
      if (e < at.e || (e === at.e && update.q <= at.q)) return { kind: 'none' }
      const follows = update.q === at.q + 1 || (update.pq !== undefined && update.pq <= at.q)
      if (e > at.e || !follows) return { kind: 'gap' }
      at = { ...at, q: update.q, seq: Math.max(update.seq ?? 0, at.seq) }
      return { kind: 'bars', bars: [update.bar], inserted: put(update.bar) }
    },

    /** Lays history under what is here: a bar that came over the socket is never replaced. */
    history(older: readonly Bar[]): BookChange {
      const fresh = older.filter((bar) => bars[indexOf(bar.start)]?.start !== bar.start)
      if (fresh.length === 0) return { kind: 'none' }
      bars = [...fresh, ...bars].sort((a, b) => a.start - b.start)
      return { kind: 'all' }
    },
  }
}
