import type { CandleHistory } from './candle-history.ts'
import { isWaiting } from './candle-history.ts'
import type { Coverage } from './coverage.ts'
import type { LineClock } from './line-clock.ts'
import { closedBy, mergeWindow, type WindowColumns, windowNumber, windowStatus } from './window-columns.ts'
import type { WindowOutput } from './window-output.ts'
import { placeOf, type WindowRing } from './window-rings.ts'

const { fired, published, changed, fresh, blind, partial } = windowStatus

export interface WindowClosingOptions {
  /** The base ring, then one for each roll-up. */
  readonly rings: readonly [base: WindowRing, ...rollUps: WindowRing[]]
  readonly clock: LineClock
  readonly history: CandleHistory
  readonly coverage: Coverage
  readonly output: WindowOutput
  readonly baseMs: number
  readonly latenessMs: number
  /** Covered time without a tick after which a window closes. */
  readonly idleMs: number
  /** Local line of a symbol. */
  lineOf(symbol: number): number
  isMissingTrades(columns: WindowColumns, at: number): boolean
  /** A symbol's windows changed. */
  note(symbol: number): void
}

/** How the windows of a symbol come to their end: they fire, and they expire when lateness is over. */
export interface WindowClosing {
  /** Every live window of a symbol. */
  each(symbol: number, visit: (ring: WindowRing, k: number, status: number) => void): void
  fire(symbol: number, ring: WindowRing, k: number, by: number): void
  fireIfDue(symbol: number, ring: WindowRing, k: number, watermark: number): void
  /** Fires and expires what the watermark has passed. */
  sweep(symbol: number, watermark: number): void
  /** Fires every open window whose end is at most `end`. */
  close(symbol: number, end: number, by: number): void
  /**
   * Keeps what the windows that a line's end closed come to: a tick may reopen one before the next barrier, and what is
   * committed must not depend on where that stands.
   */
  keepClosed(symbol: number): void
}

export function createWindowClosing(options: WindowClosingOptions): WindowClosing {
  const { rings, clock, history, coverage, output, baseMs, latenessMs, idleMs, lineOf, isMissingTrades, note } = options
  const [base, ...rollUps] = rings

  const fire = (s: number, ring: WindowRing, k: number, by: number): void => {
    const { status, closedBy: closers } = ring.columns
    const start = windowNumber(ring.columns, k) * ring.sizeMs
    const l = lineOf(s)
    const isBlind = coverage.isBlind(s, l, start, start + ring.sizeMs)
    const isHeadless = coverage.isHeadless(s, l, start, start + ring.sizeMs)
    // No longer fresh: the next tick goes through `touch`, which may reopen the window.
    status[k] = ((status[k] as number) & ~fresh) | fired | changed | (isBlind ? blind : 0) | (isHeadless ? partial : 0)
    closers[k] = by
    note(s)
    if (isWaiting(ring)) history.note(s)
  }
  const fireIfDue = (s: number, ring: WindowRing, k: number, watermark: number): void => {
    if ((ring.columns.status[k] as number) & fired) return
    const last = (windowNumber(ring.columns, k) + 1) * ring.sizeMs - 1
    if (watermark >= last) fire(s, ring, k, closedBy.watermark)
    else if (clock.coveredTo(lineOf(s)) - idleMs > last) fire(s, ring, k, closedBy.idle)
  }
  const expire = (s: number, ring: WindowRing, k: number): void => {
    const { columns } = ring
    const status = columns.status[k] as number
    if (status & changed) output.keep(s, ring, k)
    if (ring === base) {
      const start = windowNumber(columns, k) * baseMs
      // One that is blind has not all of its trades either.
      const isPartial = (status & (blind | partial)) !== 0 || isMissingTrades(columns, k)
      for (const above of rollUps) {
        const place = placeOf(above, s, Math.floor(start / above.sizeMs))
        mergeWindow(above.columns, place, columns, k)
        if (isPartial) above.columns.status[place] = (above.columns.status[place] as number) | partial
      }
    }
    columns.status[k] = 0
    note(s)
    if (isWaiting(ring)) history.take(s, ring.sizeMs, windowNumber(columns, 0))
  }

  /** Every live window of a symbol. The base ring comes first: it feeds the others. */
  const each = (s: number, visit: (ring: WindowRing, k: number, status: number) => void): void => {
    for (const ring of rings) {
      const { status } = ring.columns
      for (let k = s * ring.places, end = k + ring.places; k < end; k++)
        if (status[k] !== 0) visit(ring, k, status[k] as number)
    }
    if (!history.isEmpty) for (const ring of history.waiting(s)) visit(ring, 0, ring.columns.status[0] as number)
  }
  /** Fires and expires what the watermark has passed. */
  const sweep = (s: number, watermark: number): void => {
    each(s, (ring, k, status) => {
      const last = (windowNumber(ring.columns, k) + 1) * ring.sizeMs - 1
      if (watermark >= last && (status & fired) === 0) fire(s, ring, k, closedBy.watermark)
      if (watermark >= last + latenessMs) expire(s, ring, k)
    })
    if (!history.isEmpty) sweepSeals(s, watermark)
  }
  const sweepSeals = (s: number, watermark: number): void => {
    const seals = history.seals(s)
    const before = seals?.size ?? 0
    seals?.forget(
      (from, to) =>
        watermark >= to * baseMs - 1 + latenessMs && !coverage.hasGap(lineOf(s), from * baseMs, to * baseMs),
    )
    if (before !== (seals?.size ?? 0)) history.note(s)
  }
  /** Fires every open window of a symbol whose end is at most `end`. */
  const close = (s: number, end: number, by: number): void =>
    each(s, (ring, k, status) => {
      const closes = (windowNumber(ring.columns, k) + 1) * ring.sizeMs
      if ((status & fired) === 0 && closes <= end) fire(s, ring, k, by)
    })
  /**
   * Keeps what the windows that a line's end closed come to: a tick may reopen one before the next barrier, and what is
   * committed must not depend on where that stands.
   */
  const keepClosed = (s: number): void =>
    each(s, (ring, k, status) => {
      if ((status & (changed | fired)) !== (changed | fired)) return
      if (output.keepLive(s, ring, k)) ring.columns.status[k] = (status | published) & ~changed
    })

  return { each, fire, fireIfDue, sweep, close, keepClosed }
}
