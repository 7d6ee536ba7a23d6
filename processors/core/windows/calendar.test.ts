import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { propertyRuns } from '../../../test/property-runs.ts'
import type { CalendarSpec, TradingSpec } from './calendar.ts'
import { windowAssigner } from './window.ts'

const hour = 3_600_000
const at = (text: string): number => Date.parse(text)

describe('a calendar day', () => {
  // The facts are those of the IANA database.
  it.each([
    { name: 'has 24 hours', zone: 'UTC', time: '2024-08-08T23:58Z', start: '2024-08-08T00:00Z', hours: 24 },
    {
      name: 'begins before 1970 too',
      zone: 'UTC',
      time: '1969-12-31T23:59:59.999Z',
      start: '1969-12-31T00:00Z',
      hours: 24,
    },
    {
      name: 'begins where its zone says',
      zone: 'Asia/Kathmandu',
      time: '2026-01-01T00:00Z',
      start: '2025-12-31T18:15Z',
      hours: 24,
    },
    {
      name: 'has 23 hours when the clock goes forward',
      zone: 'America/New_York',
      time: '2026-03-08T12:00Z',
      start: '2026-03-08T05:00Z',
      hours: 23,
    },
    {
      name: 'has 25 hours when the clock goes back',
      zone: 'America/New_York',
      time: '2026-11-01T12:00Z',
      start: '2026-11-01T04:00Z',
      hours: 25,
    },
    {
      name: 'begins at 1:00 where there is no midnight',
      zone: 'America/Sao_Paulo',
      time: '2018-11-04T12:00Z',
      start: '2018-11-04T03:00Z',
      hours: 23,
    },
    {
      name: 'begins at the first of two midnights',
      zone: 'America/St_Johns',
      time: '2006-10-29T03:00Z',
      start: '2006-10-29T02:30Z',
      hours: 25,
    },
    {
      name: 'may be changed by half an hour',
      zone: 'Australia/Lord_Howe',
      time: '2026-04-05T00:00Z',
      start: '2026-04-04T13:00Z',
      hours: 24.5,
    },
    {
      name: 'follows the day before the one that was left out',
      zone: 'Pacific/Apia',
      time: '2011-12-30T10:00Z',
      start: '2011-12-30T10:00Z',
      hours: 24,
    },
  ])('$name', ({ zone, time, start, hours }) => {
    const [window] = windowAssigner({ kind: 'calendar', unit: 'day', zone })(at(time))
    expect(window).toEqual({ start: at(start), end: at(start) + hours * hour })
  })
})

describe('longer calendar windows', () => {
  it.each([
    {
      name: 'a week begins on Monday',
      unit: 'week',
      time: '2026-11-22T23:59Z',
      start: '2026-11-16',
      end: '2026-11-23',
    },
    {
      name: 'a week may lie in two years',
      unit: 'week',
      time: '2027-01-01T12:00Z',
      start: '2026-12-28',
      end: '2027-01-04',
    },
    { name: 'a month has its days', unit: 'month', time: '2024-02-29T12:00Z', start: '2024-02-01', end: '2024-03-01' },
    {
      name: 'a year ends with a month',
      unit: 'month',
      time: '2025-12-31T23:00Z',
      start: '2025-12-01',
      end: '2026-01-01',
    },
  ] as const)('$name', ({ unit, time, start, end }) => {
    const [window] = windowAssigner({ kind: 'calendar', unit, zone: 'UTC' })(at(time))
    expect(window).toEqual({ start: at(start), end: at(end) })
  })
  it('refuse a zone that there is not', () => {
    expect(() => windowAssigner({ kind: 'calendar', unit: 'day', zone: 'Mars/Olympus' })).toThrow(
      expect.objectContaining({ code: 'BAD_ZONE' }),
    )
  })
})

// Goal: calendar windows cut all of time without a gap or an overlap, in every zone.
// Method: random instants in all zones of the runtime; what follows a window begins where it ends.
it('calendar windows adjoin, in every zone', () => {
  const specs: fc.Arbitrary<CalendarSpec> = fc.record({
    kind: fc.constant('calendar' as const),
    unit: fc.constantFrom('day' as const, 'week' as const, 'month' as const),
    zone: fc.constantFrom(...Intl.supportedValuesOf('timeZone')),
  })
  const instants = fc.integer({ min: at('1900-01-01'), max: at('2100-01-01') })
  fc.assert(
    fc.property(specs, instants, (spec, time) => {
      const [window] = windowAssigner(spec)(time)
      if (window === undefined) throw new RangeError('every instant has its window')
      expect(window.start).toBeLessThanOrEqual(time)
      expect(window.end).toBeGreaterThan(time)
      expect(windowAssigner(spec)(window.start)).toEqual([window])
      expect(windowAssigner(spec)(window.end - 1)).toEqual([window])
      expect(windowAssigner(spec)(window.end)[0]?.start).toBe(window.end)
    }),
    propertyRuns(200),
  )
})

const newYork: TradingSpec = {
  kind: 'trading',
  zone: 'America/New_York',
  week: Object.fromEntries(
    (['monday', 'tuesday', 'wednesday', 'thursday', 'friday'] as const).map((day) => [
      day,
      { open: '09:30', close: '16:00' },
    ]),
  ),
  holidays: ['2026-11-26'],
  exceptions: { '2026-11-27': { open: '09:30', close: '13:00' } },
}
const futures: TradingSpec = {
  kind: 'trading',
  zone: 'America/Chicago',
  week: Object.fromEntries(
    (['sunday', 'monday', 'tuesday', 'wednesday', 'thursday'] as const).map((day) => [
      day,
      { open: '17:00', close: '16:00' },
    ]),
  ),
}

describe('trading hours', () => {
  it.each([
    {
      name: 'a day of trading',
      spec: newYork,
      time: '2026-11-25T20:59:59.999Z',
      window: ['2026-11-25T14:30Z', '2026-11-25T21:00Z'],
    },
    {
      name: 'its first instant',
      spec: newYork,
      time: '2026-11-25T14:30Z',
      window: ['2026-11-25T14:30Z', '2026-11-25T21:00Z'],
    },
    { name: 'the close is outside', spec: newYork, time: '2026-11-25T21:00Z', window: undefined },
    { name: 'a weekend', spec: newYork, time: '2026-11-22T16:00Z', window: undefined },
    { name: 'a holiday', spec: newYork, time: '2026-11-26T16:00Z', window: undefined },
    {
      name: 'a half day',
      spec: newYork,
      time: '2026-11-27T17:59Z',
      window: ['2026-11-27T14:30Z', '2026-11-27T18:00Z'],
    },
    { name: 'after a half day', spec: newYork, time: '2026-11-27T18:00Z', window: undefined },
    {
      name: 'in summer time',
      spec: newYork,
      time: '2026-07-01T14:00Z',
      window: ['2026-07-01T13:30Z', '2026-07-01T20:00Z'],
    },
    {
      name: 'hours over midnight',
      spec: futures,
      time: '2026-11-24T06:30Z',
      window: ['2026-11-23T23:00Z', '2026-11-24T22:00Z'],
    },
    { name: 'the pause between them', spec: futures, time: '2026-11-24T22:30Z', window: undefined },
    {
      name: 'hours over the end of summer time',
      spec: futures,
      time: '2026-11-01T23:30Z',
      window: ['2026-11-01T23:00Z', '2026-11-02T22:00Z'],
    },
  ])('$name', ({ spec, time, window }) => {
    const expected = window?.map(at)
    expect(windowAssigner(spec)(at(time))).toEqual(
      expected === undefined ? [] : [{ start: expected[0], end: expected[1] }],
    )
  })
  it.each([
    { name: 'a time of day that there is not', change: { week: { monday: { open: '9:30', close: '16:00' } } } },
    { name: 'more than 24 hours', change: { week: { monday: { open: '09:30', close: '24:01' } } } },
    { name: 'a day that there is not', change: { holidays: ['2026-02-30'] } },
    { name: 'a week without trading', change: { week: {} } },
    {
      name: 'hours that reach into those of the next day',
      change: { week: { monday: { open: '17:00', close: '16:00' }, tuesday: { open: '09:00', close: '16:00' } } },
    },
  ])('refuse $name', ({ change }) => {
    expect(() => windowAssigner({ ...newYork, ...change })).toThrow(
      expect.objectContaining({ code: 'BAD_TRADING_HOURS' }),
    )
  })
})
