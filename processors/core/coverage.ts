import type { CandleHistory } from './candle-history.ts'
import type { LineClock } from './line-clock.ts'

export interface CoverageOptions {
  readonly clock: LineClock
  readonly history: CandleHistory
  readonly baseMs: number
  /** Size of the longest window. */
  readonly longestMs: number
}

/** What is known of the time of a symbol: what its line did not cover, less what history settled. Times in epoch ms. */
export interface Coverage {
  /** Whether the line was blind in `[start, end)`, and history did not settle it. */
  isBlind(symbol: number, line: number, start: number, end: number): boolean
  /** Whether the line's first heartbeat began within the window, and history did not settle what lies before. */
  isHeadless(symbol: number, line: number, start: number, end: number): boolean
  /** Whether there is a gap at all, or the head of a window that a line began in. */
  hasGap(line: number, start: number, end: number): boolean
}

export function createCoverage({ clock, history, baseMs, longestMs }: CoverageOptions): Coverage {
  const isSettled = (symbol: number, from: number, to: number): boolean =>
    history.seals(symbol)?.covers(Math.floor(from / baseMs), Math.ceil(to / baseMs)) ?? false
  const isStart = (from: number): boolean => from === Number.NEGATIVE_INFINITY
  return {
    isBlind: (symbol, line, start, end) =>
      clock
        .gaps(line)
        .some(
          ({ from, to }) =>
            !isStart(from) && from < end && to > start && !isSettled(symbol, Math.max(from, start), Math.min(to, end)),
        ),
    isHeadless: (symbol, line, start, end) =>
      clock.gaps(line).some(({ from, to }) => isStart(from) && start < to && to < end && !isSettled(symbol, start, to)),
    hasGap: (line, start, end) =>
      clock
        .gaps(line)
        .some(({ from, to }) => (isStart(from) ? Math.floor(to / longestMs) * longestMs : from) < end && to > start),
  }
}
