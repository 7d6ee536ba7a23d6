import { expect, it } from 'vitest'
import { type GapRegion, trimmed } from './gap-region.ts'

const region: GapRegion<string> = {
  ...{ from: 0, to: 30, before: undefined },
  came: [
    { start: 0, value: 'a' },
    { start: 20, value: 'c' },
  ],
}

it.each([
  { expired: 8, from: 0, before: undefined, starts: [0, 20] },
  { expired: 9, from: 10, before: { start: 0, value: 'a' }, starts: [20] },
  { expired: 18, from: 10, before: { start: 0, value: 'a' }, starts: [20] },
  { expired: 19, from: 20, before: { start: 0, value: 'a' }, starts: [20] },
  { expired: 999, from: 30, before: { start: 20, value: 'c' }, starts: [] },
])('at $expired what is over is gone from a region, and its last value stays', ({ expired, from, before, starts }) => {
  const next = trimmed(region, { everyMs: 10, expired })
  expect(next).toMatchObject({ from, to: 30 })
  expect(next.before).toEqual(before)
  expect(next.came.map(({ start }) => start)).toEqual(starts)
})
