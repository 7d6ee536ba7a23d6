import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { mergeWith } from './merging.ts'
import type { Window } from './span.ts'

const window = ([start, end]: readonly [number, number]): Window => ({ start, end })

describe('a window among others', () => {
  const others = [window([0, 10]), window([20, 30]), window([40, 50])]
  it.each([
    { name: 'stands before all', added: [-5, -1], touching: false, at: 0, count: 0, merged: [-5, -1] },
    { name: 'stands between two', added: [12, 18], touching: false, at: 1, count: 0, merged: [12, 18] },
    { name: 'stands after all', added: [60, 70], touching: false, at: 3, count: 0, merged: [60, 70] },
    { name: 'only touches, and stays apart', added: [10, 20], touching: false, at: 1, count: 0, merged: [10, 20] },
    {
      name: 'only touches, and joins where that counts',
      added: [10, 20],
      touching: true,
      at: 0,
      count: 2,
      merged: [0, 30],
    },
    { name: 'is 1 ms from touching', added: [11, 19], touching: true, at: 1, count: 0, merged: [11, 19] },
    { name: 'overlaps by 1 ms', added: [9, 21], touching: false, at: 0, count: 2, merged: [0, 30] },
    { name: 'lies within one', added: [22, 24], touching: false, at: 1, count: 1, merged: [20, 30] },
    { name: 'takes in all', added: [-1, 60], touching: false, at: 0, count: 3, merged: [-1, 60] },
  ] as const)('$name', ({ added, touching, at, count, merged }) => {
    expect(mergeWith(others, window(added), touching)).toEqual({ at, count, merged: window(merged) })
  })
})

// Goal: whatever the order in which windows come, what is left is their union.
// Method: random windows, against the set of the instants that they cover.
it('windows merge to the union of what they cover', () => {
  const spans = fc.array(fc.tuple(fc.integer({ min: 0, max: 60 }), fc.integer({ min: 1, max: 9 })), { maxLength: 30 })
  fc.assert(
    fc.property(spans, (given) => {
      const windows: Window[] = []
      const covered = new Set<number>()
      for (const [start, length] of given) {
        const { at, count, merged } = mergeWith(windows, { start, end: start + length }, true)
        windows.splice(at, count, merged)
        for (let t = start; t < start + length; t++) covered.add(t)
      }
      const found = windows.flatMap(({ start, end }) => Array.from({ length: end - start }, (_, i) => start + i))
      expect(found).toEqual([...covered].sort((a, b) => a - b))
      for (const [i, { start }] of windows.entries()) expect(start).toBeGreaterThan(windows[i - 1]?.end ?? -1)
    }),
  )
})
