import type { Window } from './span.ts'

/** Where a window comes to lie among others. */
export interface Merge {
  /** Place of the first window that it takes in, or the place where it is to be put. */
  readonly at: number
  /** Windows that it takes in, one after the other. */
  readonly count: number
  readonly merged: Window
}

/**
 * Finds what a window merges with.
 *
 * @param windows  Ascending, of which none merge with each other.
 * @param touching Whether windows merge that only touch: `[0, 1)` and `[1, 2)`.
 */
export function mergeWith(windows: readonly Window[], added: Window, touching: boolean): Merge {
  let { start, end } = added
  let at = 0
  while (at < windows.length && isBefore(windows[at] as Window, start, touching)) at++
  let count = 0
  for (let i = at; i < windows.length; i++) {
    const other = windows[i] as Window
    if (touching ? other.start > end : other.start >= end) break
    start = Math.min(start, other.start)
    end = Math.max(end, other.end)
    count += 1
  }
  return { at, count, merged: { start, end } }
}

function isBefore(window: Window, start: number, touching: boolean): boolean {
  return touching ? window.end < start : window.end <= start
}
