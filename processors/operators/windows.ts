import { FatalError } from '../../schemas/errors.ts'
import type { CalendarSpec, TradingSpec } from '../core/windows/calendar.ts'
import type { WindowSpec } from '../core/windows/window.ts'
import { type Duration, durationMs, durationName } from './duration.ts'

export interface ShiftOptions {
  /** Moves every boundary later. Default 0. */
  readonly shift?: Duration
}

/**
 * Equal, adjoining windows aligned to the epoch: every event falls in exactly one.
 *
 * @throws {FatalError} `BAD_DURATION`.
 */
export function tumblingWindows(size: Duration, { shift = 0 }: ShiftOptions = {}): WindowSpec {
  return { kind: 'tumbling', sizeMs: durationMs(size), shiftMs: durationMs(shift) }
}

/**
 * Windows of one size, one beginning each `advance`: an event falls in all that contain it.
 *
 * @throws {FatalError} `BAD_DURATION`.
 */
export function hoppingWindows(size: Duration, advance: Duration, { shift = 0 }: ShiftOptions = {}): WindowSpec {
  return {
    kind: 'hopping',
    sizeMs: durationMs(size),
    advanceMs: durationMs(advance),
    shiftMs: durationMs(shift),
  }
}

/**
 * Windows that last while the events of a key follow each other by less than `gap`.
 *
 * @throws {FatalError} `BAD_DURATION`.
 */
export function sessionWindows(gap: Duration): WindowSpec {
  return { kind: 'session', gapMs: durationMs(gap) }
}

/** Days, ISO weeks or months of an IANA zone. */
export function calendarWindows(unit: CalendarSpec['unit'], zone: string): WindowSpec {
  return { kind: 'calendar', unit, zone }
}

/** The hours in which a venue trades, each day's a window; an event outside of them falls in none. */
export function tradingWindows(hours: Omit<TradingSpec, 'kind'>): WindowSpec {
  return { kind: 'trading', ...hours }
}

/** Every so many events of a key in arrival order are a window. */
export interface CountSpec {
  readonly kind: 'count'
  readonly count: number
}

/**
 * A window of every `count` events of a key, in arrival order; nothing is late for it.
 *
 * @throws {FatalError} `BAD_WINDOW`.
 */
export function countWindows(count: number): CountSpec {
  if (Number.isSafeInteger(count) && count > 0) return { kind: 'count', count }
  throw new FatalError({
    code: 'BAD_WINDOW',
    message: `a window holds a whole number of events > 0, was ${count}`,
    exitCode: 78,
  })
}

/** One line that says which windows these are. */
export function windowName(spec: WindowSpec | CountSpec): string {
  const shifted = 'shiftMs' in spec && spec.shiftMs !== 0 ? ` shifted by ${durationName(spec.shiftMs ?? 0)}` : ''
  switch (spec.kind) {
    case 'tumbling':
      return `tumbling ${durationName(spec.sizeMs)}${shifted}`
    case 'hopping':
      return `hopping ${durationName(spec.sizeMs)} by ${durationName(spec.advanceMs)}${shifted}`
    case 'session':
      return `session gap ${durationName(spec.gapMs)}`
    case 'calendar':
      return `${spec.unit} in ${spec.zone}`
    case 'trading':
      return `trading ${JSON.stringify(spec)}`
    case 'count':
      return `every ${spec.count} events`
  }
}
