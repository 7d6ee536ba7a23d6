import { describe, expect, it } from 'vitest'
import { resetWindow, windowField, windowStatus, windowWidth } from './window-columns.ts'
import { createComposer, createWindowRings, growRings, placeOf } from './window-rings.ts'

const minute = 60_000

describe('the places of a ring', () => {
  it.each([
    // Every window from the one that expires last to the one of the newest event, and one more for its boundary.
    { name: 'of no lateness', latenessMs: 0, outOfOrdernessMs: 0, rollUpMs: [], places: [2] },
    { name: 'of lateness', latenessMs: 2 * minute, outOfOrdernessMs: 500, rollUpMs: [5 * minute], places: [4, 2] },
    { name: 'a ms short of another', latenessMs: 2 * minute - 2, outOfOrdernessMs: 0, rollUpMs: [], places: [4] },
    { name: 'with another', latenessMs: 3 * minute - 1, outOfOrdernessMs: 0, rollUpMs: [], places: [8] },
    { name: 'a ms before that', latenessMs: 3 * minute - 2, outOfOrdernessMs: 0, rollUpMs: [], places: [4] },
  ])('$name', ({ latenessMs, outOfOrdernessMs, rollUpMs, places }) => {
    const rings = createWindowRings({ baseMs: minute, rollUpMs, allowedLatenessMs: latenessMs, outOfOrdernessMs })
    expect(rings.map((ring) => [ring.sizeMs, ring.places])).toEqual(
      [minute, ...rollUpMs].map((ms, i) => [ms, places[i]]),
    )
  })
})

it.each([
  { name: 'no base', baseMs: 0, rollUpMs: [] },
  { name: 'half a ms', baseMs: 0.5, rollUpMs: [] },
  { name: 'a roll-up of the base itself', baseMs: minute, rollUpMs: [minute] },
  { name: 'a roll-up that is no multiple', baseMs: minute, rollUpMs: [90_000] },
])('a ring of $name is refused', ({ baseMs, rollUpMs }) => {
  expect(() => createWindowRings({ baseMs, rollUpMs, allowedLatenessMs: 0, outOfOrdernessMs: 0 })).toThrow(
    /base window/,
  )
})

it('windows of a symbol stand beside each other, also those before 1970', () => {
  const [ring] = createWindowRings({ baseMs: minute, rollUpMs: [], allowedLatenessMs: 2 * minute, outOfOrdernessMs: 0 })
  if (ring === undefined) throw new RangeError('there is a base ring')
  growRings([ring], 3)
  expect(ring.columns.status).toHaveLength(12)
  expect([4, 5, 6, 7, 8, -1].map((number) => placeOf(ring, 2, number))).toEqual([8, 9, 10, 11, 8, 11])
})

it('a roll-up that is closed stays so where trades of a base window in it are missing', () => {
  const { live, fired, blind, partial } = windowStatus
  const rings = createWindowRings({ baseMs: minute, rollUpMs: [5 * minute], allowedLatenessMs: 0, outOfOrdernessMs: 0 })
  const [base, five] = rings
  if (base === undefined || five === undefined) throw new RangeError('there are two rings')
  growRings(rings, 1)
  resetWindow(base.columns, 1, 1, live)
  base.columns.values[windowWidth + windowField.trades] = 1
  resetWindow(five.columns, 0, 0, live | fired)
  const composed = (isMissing: boolean, status: number = live) => {
    base.columns.status[1] = status
    const { status: found, values } = createComposer(rings, () => isMissing)(five, 0, 0)
    return [found[0], values[windowField.trades]]
  }
  expect(composed(false)).toEqual([live | fired, 1])
  expect(composed(true)).toEqual([live | fired | partial, 1])
  expect(composed(false, live | partial)).toEqual([live | fired | partial, 1])
  expect(composed(false, live | blind)).toEqual([live | fired | partial, 1])
})
