import { FatalError } from '../../../schemas/errors.ts'
import { type CalendarSpec, calendarAssigner, type TradingSpec, tradingAssigner } from './calendar.ts'
import type { Window, WindowAssigner } from './span.ts'

/**
 * How a stream is cut into windows; all in ms.
 *
 * - `tumbling`: equal, adjoining windows; every event falls in exactly one.
 * - `hopping`: windows of `sizeMs`, one each `advanceMs`; an event falls in all that contain it.
 * - `session`: windows that last while events of a key follow each other by less than `gapMs`. Events exactly `gapMs`
 *   apart do not join.
 * - `calendar`: days, ISO weeks (from Monday) or months of an IANA zone; a day on which the clock is changed is shorter
 *   or longer.
 * - `trading`: the hours in which a venue trades, each day's a window; an event outside falls in none.
 *
 * Boundaries lie at `shiftMs` (default 0) plus multiples of the size, or of the advance; time before 1970 rounds down.
 *
 * @see Akidau et al., "The Dataflow Model", VLDB 2015.
 */
export type WindowSpec =
  | { readonly kind: 'tumbling'; readonly sizeMs: number; readonly shiftMs?: number }
  | { readonly kind: 'hopping'; readonly sizeMs: number; readonly advanceMs: number; readonly shiftMs?: number }
  | { readonly kind: 'session'; readonly gapMs: number }
  | CalendarSpec
  | TradingSpec

/** Windows that a hopping event may fall in; more of them is a mistake in the units. */
export const hoppingWindowsMax = 10_000

function bad(message: string, hint: string): FatalError {
  return new FatalError({ code: 'BAD_WINDOW', message, hint, exitCode: 78 })
}

/** Some centuries: what ends so far after an event is still a safe integer. */
const lengthMsMax = 1e13

function checkLength(name: string, value: number): void {
  if (!Number.isSafeInteger(value) || value <= 0 || value > lengthMsMax)
    throw bad(`${name} is a whole number of ms > 0 and <= ${lengthMsMax}, was ${value}`, 'Give another duration.')
}

/**
 * Refuses what is no window.
 *
 * @throws {FatalError} `BAD_WINDOW`.
 */
export function checkWindow(spec: WindowSpec, allowedLatenessMs: number): void {
  if (!Number.isSafeInteger(allowedLatenessMs) || allowedLatenessMs < 0 || allowedLatenessMs > lengthMsMax)
    throw bad(
      `the allowed lateness is a whole number of ms >= 0, was ${allowedLatenessMs}`,
      'Zero keeps no window open.',
    )
  if (spec.kind === 'calendar' || spec.kind === 'trading') {
    windowAssigner(spec)
    return
  }
  if (spec.kind === 'session') {
    checkLength('the gap of a session', spec.gapMs)
    return
  }
  checkLength('the size of a window', spec.sizeMs)
  const step = spec.kind === 'hopping' ? spec.advanceMs : spec.sizeMs
  if (spec.kind === 'hopping') {
    checkLength('the advance of hopping windows', step)
    if (step > spec.sizeMs)
      throw bad(
        `an advance of ${step} ms leaves gaps between windows of ${spec.sizeMs} ms`,
        'Use tumbling windows and a filter.',
      )
    if (spec.sizeMs / step > hoppingWindowsMax)
      throw bad(`each event would fall in more than ${hoppingWindowsMax} windows`, 'Take a longer advance.')
  }
  const shift = spec.shiftMs ?? 0
  if (!Number.isSafeInteger(shift) || Math.abs(shift) >= step)
    throw bad(`a shift is a whole number of ms, less than ${step}, was ${shift}`, 'A longer shift is a shorter one.')
}

/**
 * The windows that contain an instant, ascending. For a session: the window of an event that stands alone.
 *
 * @throws {FatalError} `BAD_ZONE`, `BAD_TRADING_HOURS`.
 */
export function windowAssigner(spec: WindowSpec): WindowAssigner {
  if (spec.kind === 'session') return (time) => [{ start: time, end: time + spec.gapMs }]
  if (spec.kind === 'calendar') return calendarAssigner(spec)
  if (spec.kind === 'trading') return tradingAssigner(spec)
  const { sizeMs, shiftMs = 0 } = spec
  const step = spec.kind === 'hopping' ? spec.advanceMs : sizeMs
  return (time) => {
    const last = Math.floor((time - shiftMs) / step) * step + shiftMs
    const windows: Window[] = []
    for (let start = last; start > time - sizeMs; start -= step) windows.push({ start, end: start + sizeMs })
    return windows.reverse()
  }
}
