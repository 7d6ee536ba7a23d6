import fc from 'fast-check'
import { expect, it } from 'vitest'
import { decimalAt, integerAt } from './field-numbers.ts'
import { decimalOf, integerOf } from './line-parser.ts'

const digits = (max: number) => fc.stringMatching(new RegExp(`^[0-9]{0,${max}}$`))
const decimals = fc
  .tuple(fc.constantFrom('', '-', '+'), digits(18), fc.constantFrom('', '.', '..', 'e5', ' '), digits(18))
  .map((parts) => parts.join(''))

// Law: reading in place is reading the slice, to the last bit.
it('a number read in place is the number of its text', () => {
  fc.assert(
    fc.property(decimals, fc.stringMatching(/^[a-z0-9,]{0,5}$/), (text, around) => {
      const line = `${around}${text}${around}`
      const to = around.length + text.length
      expect(decimalAt(line, around.length, to)).toBe(decimalOf(text))
      expect(integerAt(line, around.length, to)).toBe(integerOf(text))
    }),
    { numRuns: 3_000 },
  )
})

it.each([
  ['61837.63000000', 61837.63],
  ['0.1', 0.1],
  ['.5', 0.5],
  ['5.', 5],
  ['-2.5', -2.5],
  ['1e-7', 1e-7],
  ['105433.60000', 105433.6],
  ['0.0000000000000001', 1e-16],
  ['.', Number.NaN],
  ['', Number.NaN],
  ['-', Number.NaN],
  ['1.2.3', Number.NaN],
  ['1_000', Number.NaN],
  ['Infinity', Number.NaN],
])('%s is %d', (text, value) => {
  expect(decimalAt(text, 0, text.length)).toBe(value)
})
