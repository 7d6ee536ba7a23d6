import { expect, it } from 'vitest'
import { durationName } from './duration.ts'
import {
  calendarWindows,
  countWindows,
  hoppingWindows,
  sessionWindows,
  tradingWindows,
  tumblingWindows,
  windowName,
} from './windows.ts'

it.each([
  [tumblingWindows('1m'), 'tumbling 1m'],
  [tumblingWindows('1d', { shift: '9h' }), 'tumbling 1d shifted by 9h'],
  [hoppingWindows('5m', '90s'), 'hopping 5m by 90s'],
  [sessionWindows('30s'), 'session gap 30s'],
  [calendarWindows('week', 'Europe/Berlin'), 'week in Europe/Berlin'],
  [countWindows(10), 'every 10 events'],
  [
    tradingWindows({ zone: 'UTC', week: { monday: { open: '08:00', close: '16:00' } } }),
    'trading {"kind":"trading","zone":"UTC","week":{"monday":{"open":"08:00","close":"16:00"}}}',
  ],
])('%j is named %s', (spec, name) => {
  expect(windowName(spec)).toBe(name)
})

it.each([
  [0, '0ms'],
  [1500, '1500ms'],
  [90_000, '90s'],
  [86_400_000, '1d'],
])('%i ms are %s', (ms, name) => {
  expect(durationName(ms)).toBe(name)
})

it.each([0, -1, 1.5])('no window holds %s events', (count) => {
  expect(() => countWindows(count)).toThrow(expect.objectContaining({ code: 'BAD_WINDOW' }))
})
