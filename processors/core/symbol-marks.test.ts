import { expect, it } from 'vitest'
import { createSymbolMarks } from './symbol-marks.ts'

it('keeps each symbol once, in order, until it is cleared', () => {
  const marks = createSymbolMarks()
  marks.ensure(3)
  for (const s of [2, 0, 2]) marks.note(s)
  expect(marks.list).toEqual([2, 0])
  marks.ensure(100)
  expect(marks.flags.length).toBeGreaterThanOrEqual(100)
  for (const s of [99, 0]) marks.note(s)
  expect(marks.list).toEqual([2, 0, 99])
  expect(marks.flags.reduce((sum, flag) => sum + flag, 0)).toBe(3)
  const { flags } = marks
  marks.ensure(3)
  expect(marks.flags).toBe(flags)
  marks.clear()
  expect(marks.list).toEqual([])
  expect(marks.flags.every((flag) => flag === 0)).toBe(true)
  marks.note(2)
  expect(marks.list).toEqual([2])
})
