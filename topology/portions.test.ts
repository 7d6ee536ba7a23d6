import fc from 'fast-check'
import { expect, it } from 'vitest'
import { portionBytesMax, portionsOf } from './portions.ts'

it('portions hold every record once, in order, and are bounded', () => {
  const sizes = fc.array(fc.integer({ min: 0, max: 2 * portionBytesMax }), { maxLength: 50 })
  fc.assert(
    fc.property(sizes, (records) => {
      const portions = portionsOf(records, (size) => size)
      expect(portions.flat()).toEqual(records)
      for (const portion of portions) {
        expect(portion.length).toBeGreaterThan(0)
        if (portion.length > 1) expect(portion.reduce((sum, size) => sum + size, 0)).toBeLessThan(portionBytesMax)
      }
    }),
  )
})
