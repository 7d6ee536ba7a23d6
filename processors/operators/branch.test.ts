import { describe, expect, it } from 'vitest'
import { InvariantViolation } from '../../schemas/errors.ts'
import { barrier, pulse, record, side, watermark } from '../../topology/testing/elements.ts'
import { flowMarbles } from '../../topology/testing/marbles.ts'
import { branch } from './branch.ts'
import { filter } from './filter.ts'
import { map } from './map.ts'
import { recordStep } from './record-step.ts'

const isOdd = (value: number): boolean => value % 2 === 1
const isPositive = (value: number): boolean => value > 0
const tenfold = map((value: number) => value * 10)
const negated = map((value: number) => -value)

/** Says at each watermark how many records it has seen. */
const counted = recordStep<number, 'event', number, 'event'>({ operator: 'counted', options: {} }, () => {
  let count = 0
  return {
    record: () => {
      count += 1
    },
    watermark: (eventTime, emit) => emit({ flag: 'event', key: 'count', value: count, eventTime, offset: 0 }),
  }
})

describe('branch', () => {
  const given = { a: record('k', 12, 1), b: record('k', 7, 2), c: record('k', 8, 0), w: watermark(20) }

  it('sends each record through the first case that holds', () => {
    flowMarbles(branch([isOdd, tenfold], [isPositive, negated]))
      .given('-a-b-c-|', given)
      .gives('-A-B---|', { A: record('k', 12, 10, 0), B: record('k', 7, -2, 1) })
  })
  it('lets control elements out once, after what every branch gave for them', () => {
    flowMarbles(branch([isOdd, counted], [isPositive, counted]))
      .given('-a-b-w----p-x-s|', { ...given, p: pulse(1), x: barrier(), s: side('t', given.a) })
      .gives('-----(mmw)p-x-s|', { m: record('count', 20, 1) })
  })
  it('refuses the record whose predicate throws', () => {
    const picky = (value: number): boolean => {
      if (value === 1) throw new RangeError('one')
      return true
    }
    const { refused } = flowMarbles(branch([picky, tenfold]))
      .given('-a-b-|', given)
      .gives('---B-|', { B: record('k', 7, 20) })
    expect(refused).toEqual([{ offset: 0, key: 'k', stepId: 'branch', result: 'rejected', detail: 'one' }])
  })
  it('passes on the error of a branch', () => {
    const broken = new InvariantViolation('a rule')
    const breaks = map((): number => {
      throw broken
    })
    flowMarbles(branch([isOdd, breaks], [isPositive, negated]))
      .given('-b-a-b-|', given)
      .gives('-B-#', { B: record('k', 7, -2) }, broken)
  })
  it('tells of the steps that it holds', () => {
    expect(branch([isOdd, filter(isPositive)], [isPositive, (source) => source]).step).toEqual({
      ...{ operator: 'branch', options: { cases: 2 }, inner: [{ operator: 'filter', options: {} }] },
    })
  })
})
