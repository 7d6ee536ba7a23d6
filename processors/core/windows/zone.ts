import { FatalError } from '../../../schemas/errors.ts'

/** A day on a wall calendar, as the ms of its UTC midnight: days are counted, never instants. */
export type CalendarDay = number

export const dayMs = 86_400_000
const hourMs = 3_600_000
/** No place on earth was ever further from UTC than this. */
const offsetMsMax = 26 * hourMs

/** Wall time of an IANA zone, by the runtime's own tables. */
export interface Zone {
  /** What the wall clock is ahead of UTC at an instant, in ms. */
  offsetAt(time: number): number
  /** The day that the wall calendar shows at an instant. */
  dayAt(time: number): CalendarDay
  /**
   * The first instant at which the wall clock shows `wallMs` of a day or more: where the clock is put forward over it,
   * the instant at which that happens.
   */
  instantOf(day: CalendarDay, wallMs: number): number
}

/** @throws {FatalError} `BAD_ZONE`. */
export function createZone(name: string): Zone {
  const format = formatOf(name)
  const offsetAt = (time: number): number => {
    const whole = Math.floor(time / 1000) * 1000
    const parts = format.formatToParts(whole)
    const part = (type: Intl.DateTimeFormatPartTypes): number => Number(parts.find((one) => one.type === type)?.value)
    // Not Date.UTC: to it the years 0 to 99 are those of the last century.
    const wall = new Date(0)
    wall.setUTCFullYear(part('year'), part('month') - 1, part('day'))
    return wall.setUTCHours(part('hour'), part('minute'), part('second')) - whole
  }
  const instantOf = (day: CalendarDay, wallMs: number): number => {
    const wall = day + wallMs
    // Of an hour that comes twice, the first.
    const early = wall - offsetAt(wall - offsetMsMax)
    if (early + offsetAt(early) === wall) return early
    // The clock was changed since: where it jumped over the wall's time, the jump is where that first is at least it.
    let low = wall - offsetMsMax
    let high = wall + offsetMsMax
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2)
      if (middle + offsetAt(middle) >= wall) high = middle
      else low = middle
    }
    return high
  }
  return {
    offsetAt,
    dayAt: (time) => Math.floor((time + offsetAt(time)) / dayMs) * dayMs,
    instantOf,
  }
}

function formatOf(name: string): Intl.DateTimeFormat {
  try {
    return new Intl.DateTimeFormat('en-US', {
      ...{ timeZone: name, calendar: 'iso8601', hourCycle: 'h23', era: undefined },
      ...{ year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric' },
    })
  } catch (cause) {
    throw new FatalError({
      code: 'BAD_ZONE',
      message: `${JSON.stringify(name)} is no time zone that this runtime knows`,
      hint: 'Name one of the IANA database, e.g. Europe/Berlin or UTC.',
      exitCode: 78,
      cause,
    })
  }
}
