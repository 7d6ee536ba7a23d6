import fc from 'fast-check'
import { expect, it } from 'vitest'
import { createNumberRanges } from './number-ranges.ts'

const spans = fc.array(fc.record({ from: fc.integer({ min: 0, max: 40 }), size: fc.integer({ min: 1, max: 10 }) }), {
  maxLength: 20,
})

it('ranges hold what was added, merged where it touches', () => {
  fc.assert(
    fc.property(spans, fc.integer({ min: 0, max: 50 }), fc.integer({ min: 1, max: 10 }), (list, at, size) => {
      const ranges = createNumberRanges()
      const all = new Set<number>()
      for (const { from, size: length } of list) {
        ranges.add(from, from + length)
        for (let i = 0; i < length; i++) all.add(from + i)
      }
      for (let i = -1; i < 60; i++) expect(ranges.has(i)).toBe(all.has(i))
      expect(ranges.covers(at, at + size)).toBe(Array.from({ length: size }, (_, i) => all.has(at + i)).every(Boolean))
      const runs = [...all].filter((i) => !all.has(i - 1)).sort((a, b) => a - b)
      const found: number[] = []
      ranges.forEach((from) => {
        found.push(from)
      })
      expect(found).toEqual(runs)
      ranges.forget((from) => from < at)
      expect(ranges.size).toBe(runs.filter((from) => from >= at).length)
    }),
  )
})
