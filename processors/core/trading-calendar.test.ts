import { expect, it } from 'vitest'
import { createTradingCalendar } from './trading-calendar.ts'

const hours = { open: '09:30', close: '16:00' }
const newYork = {
  kind: 'trading',
  zone: 'America/New_York',
  week: { monday: hours, tuesday: hours, wednesday: hours, thursday: hours, friday: hours },
  holidays: ['2024-07-04'],
  exceptions: { '2024-07-03': { open: '09:30', close: '13:00' } },
} as const
const isClosed = createTradingCalendar({ symbols: { SPY: newYork } })
const at = (text: string): number => Date.parse(text)
const minute = 60_000
const day = 86_400_000

it.each([
  { name: 'the minute before the open', start: '2024-07-02T13:29Z', sizeMs: minute, closed: true },
  { name: 'the first minute', start: '2024-07-02T13:30Z', sizeMs: minute, closed: false },
  { name: 'the last minute', start: '2024-07-02T19:59Z', sizeMs: minute, closed: false },
  { name: 'the minute after the close', start: '2024-07-02T20:00Z', sizeMs: minute, closed: true },
  { name: 'an hour that the open lies in', start: '2024-07-02T13:00Z', sizeMs: 60 * minute, closed: false },
  { name: 'the afternoon of a half day', start: '2024-07-03T17:00Z', sizeMs: 60 * minute, closed: true },
  { name: 'a holiday', start: '2024-07-04T00:00Z', sizeMs: day, closed: true },
  { name: 'a Saturday', start: '2024-07-06T00:00Z', sizeMs: day, closed: true },
  { name: 'a Friday', start: '2024-07-05T00:00Z', sizeMs: day, closed: false },
  { name: 'the same minute in winter', start: '2024-12-03T13:30Z', sizeMs: minute, closed: true },
])('$name is closed: $closed', ({ start, sizeMs, closed }) => {
  expect(isClosed('SPY', at(start), at(start) + sizeMs)).toBe(closed)
})

it('a symbol without hours is never closed', () => {
  expect(isClosed('BTC-USD', at('2024-07-04T00:00Z'), at('2024-07-04T00:01Z'))).toBe(false)
})
