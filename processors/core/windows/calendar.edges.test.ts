import { describe, expect, it } from 'vitest'
import { type TradingHours, type TradingSpec, weekdays } from './calendar.ts'
import { type WindowSpec, windowAssigner } from './window.ts'
import { createZone } from './zone.ts'

const hour = 3_600_000
const at = (text: string): number => Date.parse(text)
const everyDay = (hours: TradingHours): TradingSpec['week'] => Object.fromEntries(weekdays.map((day) => [day, hours]))
const round = (zone: string): TradingSpec => ({
  kind: 'trading',
  zone,
  week: everyDay({ open: '00:00', close: '24:00' }),
})

it.each<{ name: string; spec: WindowSpec; from: string }>([
  { name: 'days', spec: { kind: 'calendar', unit: 'day', zone: 'America/New_York' }, from: '2026-11-01T00:00Z' },
  { name: 'weeks', spec: { kind: 'calendar', unit: 'week', zone: 'UTC' }, from: '2026-11-22T12:00Z' },
  { name: 'trading hours', spec: round('UTC'), from: '2026-11-21T12:00Z' },
  {
    name: 'trading hours with pauses',
    spec: { kind: 'trading', zone: 'UTC', week: { monday: { open: '01:00', close: '03:00' } } },
    from: '2026-11-23T00:00Z',
  },
])('$name asked one after the other are those asked alone', ({ spec, from }) => {
  const assign = windowAssigner(spec)
  const times = Array.from({ length: 27 }, (_, i) => at(from) + i * hour).flatMap((time) => [time - 1, time])
  for (const time of [...times, ...times.toReversed()]) expect(assign(time)).toEqual(windowAssigner(spec)(time))
})

describe('trading hours', () => {
  it('may adjoin, all around the clock', () => {
    const assign = windowAssigner({ ...round('UTC'), week: everyDay({ open: '09:30', close: '09:30' }) })
    expect(assign(at('2026-11-24T09:29:59.999Z'))).toEqual([
      { start: at('2026-11-23T09:30Z'), end: at('2026-11-24T09:30Z') },
    ])
    expect(assign(at('2026-11-24T09:30Z'))).toEqual([{ start: at('2026-11-24T09:30Z'), end: at('2026-11-25T09:30Z') }])
  })
  it('end at 24:00 with the day', () => {
    expect(windowAssigner(round('UTC'))(at('2026-11-24T23:59:59.999Z'))).toEqual([
      { start: at('2026-11-24'), end: at('2026-11-25') },
    ])
  })
  // St John's put its clock back from 0:01 to 23:01: the day had begun already.
  it('that have begun go on while the wall shows the day before once more', () => {
    expect(windowAssigner(round('America/St_Johns'))(at('2006-10-29T03:00Z'))).toEqual([
      { start: at('2006-10-29T02:30Z'), end: at('2006-10-30T03:30Z') },
    ])
  })
  it.each<{ name: string; change: Partial<TradingSpec> }>([
    { name: 'a month that there is not', change: { holidays: ['2026-13-01'] } },
    { name: 'a day in another order', change: { holidays: ['01-02-2026'] } },
    { name: 'a minute that there is not', change: { week: { monday: { open: '09:60', close: '16:00' } } } },
    {
      name: 'other hours that begin before those of the day before have ended',
      change: {
        week: everyDay({ open: '17:00', close: '16:00' }),
        exceptions: { '2026-11-24': { open: '15:59', close: '16:00' } },
      },
    },
    {
      name: 'other hours that reach into those of the day behind',
      change: {
        week: everyDay({ open: '09:00', close: '16:00' }),
        exceptions: {
          '2026-11-24': { open: '09:00', close: '08:59' },
          '2026-11-25': { open: '08:58', close: '16:00' },
        },
      },
    },
  ])('refuse $name', ({ change }) => {
    expect(() => windowAssigner({ ...round('UTC'), ...change })).toThrow(
      expect.objectContaining({ code: 'BAD_TRADING_HOURS', exitCode: 78 }),
    )
  })
})

describe('the wall clock of a zone', () => {
  it.each([
    { name: 'is ahead by minutes', zone: 'Asia/Kathmandu', time: '2026-01-01T00:00Z', minutes: 345 },
    { name: 'is behind', zone: 'America/New_York', time: '2026-11-01T05:59:59.999Z', minutes: -240 },
    { name: 'is put back at an instant', zone: 'America/New_York', time: '2026-11-01T06:00Z', minutes: -300 },
    { name: 'knows the years before 100', zone: 'UTC', time: '0050-03-01T12:34:56Z', minutes: 0 },
  ])('$name', ({ zone, time, minutes }) => {
    expect(createZone(zone).offsetAt(at(time))).toBe(minutes * 60_000)
  })
  it('has offsets of seconds', () => {
    // Local mean time of Amsterdam: 0:19:32.
    expect(createZone('Europe/Amsterdam').offsetAt(at('1880-01-01T00:00Z')) % 60_000).not.toBe(0)
  })
  it.each([
    { name: 'an hour that comes twice is the first', wall: ['2026-11-01', 1.5], instant: '2026-11-01T05:30Z' },
    { name: 'the hour behind those is after both', wall: ['2026-11-01', 2], instant: '2026-11-01T07:00Z' },
    { name: 'an hour that does not come is the jump over it', wall: ['2026-03-08', 2.5], instant: '2026-03-08T07:00Z' },
    { name: 'the hour behind a jump is there', wall: ['2026-03-08', 3], instant: '2026-03-08T07:00Z' },
    { name: 'a ms before a jump is there', wall: ['2026-03-08', 2 - 1 / hour], instant: '2026-03-08T06:59:59.999Z' },
    { name: 'a day after a jump is as it was', wall: ['2026-03-09', 3], instant: '2026-03-09T07:00Z' },
  ] as const)('$name', ({ wall: [day, hours], instant }) => {
    expect(createZone('America/New_York').instantOf(at(day), Math.round(hours * hour))).toBe(at(instant))
  })
  it('a day that does not come is the instant at which the next one does', () => {
    expect(createZone('Pacific/Apia').instantOf(at('2011-12-30'), 0)).toBe(at('2011-12-30T10:00Z'))
  })
  it('is refused by a name that there is not, with a hint', () => {
    expect(() => createZone('Mars/Olympus')).toThrow(expect.objectContaining({ code: 'BAD_ZONE', exitCode: 78 }))
  })
})
