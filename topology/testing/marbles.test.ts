import { AssertionError } from 'node:assert'
import { type OperatorFunction, pipe } from 'rxjs'
import { describe, expect, it } from 'vitest'
import type { Flow } from '../../processors/core/stream-element.ts'
import { map } from '../../processors/operators/map.ts'
import { InvariantViolation } from '../../schemas/errors.ts'
import { at, barrier, record, watermark } from './elements.ts'
import { driveFlow } from './flow-driver.ts'
import { flowMarbles } from './marbles.ts'

const same: OperatorFunction<Flow<number>, Flow<number>> = pipe()
const given = { a: record('k', 12, 3), w: watermark(20) }

describe('event-time marbles', () => {
  it.each([
    { name: 'another value', gives: '-a-w-|', a: record('k', 12, 4) },
    { name: 'another event time', gives: '-a-w-|', a: record('k', 11, 3) },
    { name: 'another offset, where one is expected', gives: '-a-w-|', a: at(1, given.a) },
    { name: 'another order', gives: '-w-a-|', a: given.a },
    { name: 'another instant', gives: '--aw-|', a: given.a },
    { name: 'less', gives: '-a---|', a: given.a },
  ])('tell $name apart', ({ gives, a }) => {
    expect(() => flowMarbles(same).given('-a-w-|', given).gives(gives, { a })).toThrow(AssertionError)
  })
  it('number records without an offset by arrival', () => {
    flowMarbles(same)
      .given('-a-w-a-|', given)
      .gives('-a-w-b-|', { a: at(0, given.a), b: at(1, given.a) })
  })
  it('open one instance, first', () => {
    const opened: number[] = []
    const counting = map((value: number) => value)
    flowMarbles<number, 'event', number, 'event'>((source) => {
      opened.push(1)
      return counting(source)
    })
      .given('-a|', given)
      .gives('-a|', { a: given.a })
    expect(opened).toEqual([1])
  })
})

describe('a driven flow', () => {
  it('gives what comes out of each push', () => {
    const flow = driveFlow(map((value: number) => value + 1))
    expect(flow.push(at(0, given.a), given.w)).toEqual([at(0, record('k', 12, 4)), given.w])
    expect(flow.push()).toEqual([])
  })
  it('throws what the operator gives as an error', () => {
    const broken = map((): number => {
      throw new InvariantViolation('a rule')
    })
    expect(() => driveFlow(broken).push(given.a)).toThrow('a rule')
  })
  it('gives no barrier of its own away', () => {
    const flow = driveFlow(same)
    expect(flow.restart()).toEqual([])
    expect(flow.push(barrier())).toHaveLength(1)
  })
})
