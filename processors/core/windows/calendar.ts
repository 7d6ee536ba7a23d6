import { FatalError } from '../../../schemas/errors.ts'
import type { Window, WindowAssigner } from './span.ts'
import { type CalendarDay, createZone, dayMs, type Zone } from './zone.ts'

/** Days, ISO weeks or months of an IANA zone. */
export interface CalendarSpec {
  readonly kind: 'calendar'
  readonly unit: 'day' | 'week' | 'month'
  readonly zone: string
}

/** The hours of a day, as `HH:MM` on the venue's wall clock. A close at or before the open is on the next day. */
export interface TradingHours {
  readonly open: string
  readonly close: string
}

export const weekdays = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'] as const
export type Weekday = (typeof weekdays)[number]

/** When a venue trades. The days that exceptions name are `YYYY-MM-DD`. */
export interface TradingSpec {
  readonly kind: 'trading'
  readonly zone: string
  readonly week: Readonly<Partial<Record<Weekday, TradingHours>>>
  /** Days without trading. */
  readonly holidays?: readonly string[]
  /** Days with other hours. */
  readonly exceptions?: Readonly<Record<string, TradingHours>>
}

/** 1970-01-01 was a Thursday. */
const weekdayOf = (day: CalendarDay): number => (((day / dayMs + 3) % 7) + 7) % 7

function firstOfMonth(day: CalendarDay, months: number): CalendarDay {
  const date = new Date(day)
  date.setUTCMonth(date.getUTCMonth() + months, 1)
  return date.getTime()
}

const units = {
  day: { first: (day: CalendarDay) => day, next: (first: CalendarDay) => first + dayMs },
  week: { first: (day: CalendarDay) => day - weekdayOf(day) * dayMs, next: (first: CalendarDay) => first + 7 * dayMs },
  month: { first: (day: CalendarDay) => firstOfMonth(day, 0), next: (first: CalendarDay) => firstOfMonth(first, 1) },
}

/** Calls for a window only where the last one does not serve: most events fall in the window of the one before. */
function remembering(find: (time: number) => Window | undefined): WindowAssigner {
  let last: readonly [Window] | undefined
  return (time) => {
    if (last !== undefined && time >= last[0].start && time < last[0].end) return last
    const found = find(time)
    if (found === undefined) return []
    last = [found]
    return last
  }
}

/** @throws {FatalError} `BAD_ZONE`. */
export function calendarAssigner({ unit, zone: name }: CalendarSpec): WindowAssigner {
  const zone = createZone(name)
  const { first, next } = units[unit]
  return remembering((time) => {
    let from = first(zone.dayAt(time))
    let start = zone.instantOf(from, 0)
    for (;;) {
      const to = next(from)
      const end = zone.instantOf(to, 0)
      // The wall may show the day before once more when the clock is put back just after midnight.
      if (time < end) return { start, end }
      from = to
      start = end
    }
  })
}

function badHours(message: string): FatalError {
  return new FatalError({
    code: 'BAD_TRADING_HOURS',
    message,
    hint: 'Hours are HH:MM from 00:00 to 24:00, days are YYYY-MM-DD, and no day begins before the one before has ended.',
    exitCode: 78,
  })
}

function wallMsOf(text: string): number {
  const [, hours, minutes] = /^(\d\d):([0-5]\d)$/.exec(text) ?? []
  const value = (Number(hours) * 60 + Number(minutes)) * 60_000
  if (!(value <= dayMs)) throw badHours(`${JSON.stringify(text)} is no time of day`)
  return value
}

function dayOf(text: string): CalendarDay {
  const day = Date.parse(`${text}T00:00:00Z`)
  if (!/^\d{4}-\d\d-\d\d$/.test(text) || Number.isNaN(day) || new Date(day).toISOString().slice(0, 10) !== text)
    throw badHours(`${JSON.stringify(text)} is no day`)
  return day
}

interface WallHours {
  readonly open: number
  readonly close: number
}

function wallHoursOf({ open, close }: TradingHours): WallHours {
  const from = wallMsOf(open)
  const to = wallMsOf(close)
  return { open: from, close: to > from ? to : to + dayMs }
}

/** @throws {FatalError} `BAD_ZONE`, `BAD_TRADING_HOURS`. */
export function tradingAssigner(spec: TradingSpec): WindowAssigner {
  const zone = createZone(spec.zone)
  const week = weekdays.map((name) => {
    const hours = spec.week[name]
    return hours === undefined ? undefined : wallHoursOf(hours)
  })
  if (week.every((hours) => hours === undefined)) throw badHours('a venue trades on some day of the week')
  const holidays = new Set((spec.holidays ?? []).map(dayOf))
  const exceptions = new Map(
    Object.entries(spec.exceptions ?? {}).map(([day, hours]) => [dayOf(day), wallHoursOf(hours)]),
  )
  const hoursOf = (day: CalendarDay): WallHours | undefined =>
    holidays.has(day) ? undefined : (exceptions.get(day) ?? week[weekdayOf(day)])
  const anyWeek = week.map((_, i) => i * dayMs)
  for (const day of [...exceptions.keys(), ...anyWeek])
    for (const earlier of [day - dayMs, day]) checkApart(hoursOf(earlier), hoursOf(earlier + dayMs))
  return remembering((time) => windowAt(zone, hoursOf, time))
}

function checkApart(hours: WallHours | undefined, next: WallHours | undefined): void {
  if (hours !== undefined && next !== undefined && hours.close > next.open + dayMs)
    throw badHours('the hours of a day reach into those of the next')
}

/** Of the day before too: its hours may end after midnight. */
function windowAt(zone: Zone, hoursOf: (day: CalendarDay) => WallHours | undefined, time: number): Window | undefined {
  const today = zone.dayAt(time)
  for (const day of [today - dayMs, today, today + dayMs]) {
    const hours = hoursOf(day)
    if (hours === undefined) continue
    const start = zone.instantOf(day, hours.open)
    const end = zone.instantOf(day, hours.close)
    if (time >= start && time < end) return { start, end }
  }
  return undefined
}
