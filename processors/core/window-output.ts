import { type CandleColumns, createCandleColumns } from '../../schemas/candle-columns.ts'
import { appendCandle, copyCandle, copyCandles } from './candle-rows.ts'
import type { SymbolIndex } from './symbol-index.ts'
import { closedBy, type WindowColumns, windowField, windowStatus, windowWidth } from './window-columns.ts'
import type { WindowRing } from './window-rings.ts'

const { published } = windowStatus

export interface WindowOutputOptions {
  readonly symbols: SymbolIndex
  readonly base: WindowRing
  isMissingTrades(columns: WindowColumns, at: number): boolean
  /** A roll-up with all that it comes to, in place 0 of a scratch. */
  compose(ring: WindowRing, symbol: number, at: number): WindowColumns
}

/** What windows come to, as rows; and what windows said that are gone, or may change, before the next barrier. */
export interface WindowOutput {
  readonly hasKept: boolean
  /** Appends what a window comes to. @returns Whether it comes to anything. */
  append(out: CandleColumns, symbol: number, ring: WindowRing, k: number): boolean
  /** The same, kept for the next barrier: the last that is said of a window. */
  keep(symbol: number, ring: WindowRing, k: number): boolean
  /** The same of a window that lives on: more may be said of it before the barrier. */
  keepLive(symbol: number, ring: WindowRing, k: number): boolean
  /** Keeps the row of a window that is in no ring: more may be said of it, too. */
  keepRow(symbol: number, sizeMs: number, from: WindowColumns, at: number): void
  /** Appends the rows kept of a symbol and interval. */
  kept(symbol: number, intervalSeconds: number, out: CandleColumns): void
  /**
   * Appends what is kept of windows, of each the last, and then what the live ones say: the newer word about a window
   * that is kept. It is said as its first word was: a final stays one.
   */
  take(out: CandleColumns, spoken: CandleColumns): void
}

const keyOf = (rows: CandleColumns, i: number): string => `${rows.symbol[i]} ${rows.interval[i]} ${rows.start[i]}`

/** Gives each the rows of the other. */
function exchange(a: CandleColumns, b: CandleColumns): void {
  const rows = { ...a }
  Object.assign(a, b)
  Object.assign(b, rows)
}

export function createWindowOutput({ symbols, base, isMissingTrades, compose }: WindowOutputOptions): WindowOutput {
  const rows = createCandleColumns()
  const rowsOf = new Map<number, number[]>()
  /** From this row on a window may have several. */
  let repeatsFrom = Number.POSITIVE_INFINITY

  /** A window that history left empty before anything was said of it is none. */
  const isTold = ({ status, values }: WindowColumns, at: number): boolean =>
    values[at * windowWidth + windowField.trades] !== 0 || ((status[at] as number) & published) !== 0
  const appendRow = (out: CandleColumns, s: number, sizeMs: number, from: WindowColumns, at: number): void => {
    appendCandle(out, symbols.globalOf(s), sizeMs, from, at)
    if (sizeMs === base.sizeMs && from.closedBy[at] !== closedBy.history && isMissingTrades(from, at))
      out.partial[out.length - 1] = 1
  }
  const append = (out: CandleColumns, s: number, ring: WindowRing, k: number): boolean => {
    const from = ring === base ? ring.columns : compose(ring, s, k)
    const at = ring === base ? k : 0
    const told = isTold(from, at)
    if (told) appendRow(out, s, ring.sizeMs, from, at)
    return told
  }
  const noteKept = (s: number): void => {
    const known = rowsOf.get(s)
    if (known === undefined) rowsOf.set(s, [rows.length - 1])
    else known.push(rows.length - 1)
  }

  const keep = (s: number, ring: WindowRing, k: number): boolean => {
    const told = append(rows, s, ring, k)
    if (told) noteKept(s)
    return told
  }
  /** Appends of each window the last row, as its first was said; of a window that also spoke, nothing. */
  const withoutRepeats = (out: CandleColumns, spoken: CandleColumns): void => {
    const last = new Map<string, number>()
    for (let i = repeatsFrom; i < rows.length; i++) {
      const before = last.get(keyOf(rows, i))
      if (before !== undefined) rows.kind[i] = rows.kind[before] as number
      last.set(keyOf(rows, i), i)
    }
    for (let i = 0; i < spoken.length; i++) {
      const before = last.get(keyOf(spoken, i))
      if (before === undefined) continue
      spoken.kind[i] = rows.kind[before] as number
      last.delete(keyOf(spoken, i))
    }
    for (const i of last.values()) copyCandle(out, rows, i)
  }

  return {
    get hasKept() {
      return rows.length > 0
    },
    append,
    keep,
    keepLive(s, ring, k) {
      repeatsFrom = Math.min(repeatsFrom, rows.length)
      return keep(s, ring, k)
    },
    keepRow(s, sizeMs, from, at) {
      repeatsFrom = Math.min(repeatsFrom, rows.length)
      appendRow(rows, s, sizeMs, from, at)
      noteKept(s)
    },
    kept(s, intervalSeconds, out) {
      for (const i of rowsOf.get(s) ?? []) if (rows.interval[i] === intervalSeconds) copyCandle(out, rows, i)
    },
    take(out, spoken) {
      const single = Math.min(repeatsFrom, rows.length)
      if (out.length === 0 && single === rows.length) exchange(out, rows)
      else {
        copyCandles(out, rows, single)
        if (single < rows.length) withoutRepeats(out, spoken)
      }
      copyCandles(out, spoken, spoken.length)
      rows.length = 0
      spoken.length = 0
      rowsOf.clear()
      repeatsFrom = Number.POSITIVE_INFINITY
    },
  }
}
