import { describe, expect, expectTypeOf, it } from 'vitest'
import type { RecordElement } from '../../topology/testing/elements.ts'
import { record, said, watermark } from '../../topology/testing/elements.ts'
import { flowMarbles } from '../../topology/testing/marbles.ts'
import type { Flow } from '../core/stream-element.ts'
import type { Windowed, WindowFlag } from '../core/stream-record.ts'
import { filter } from './filter.ts'

describe('filter', () => {
  const given = { a: record('k', 12, 3), b: record('k', 7, 5), w: watermark(20) }

  it('lets by what its predicate holds for', () => {
    flowMarbles(filter((value: number) => value > 4))
      .given('-a-b-w-|', given)
      .gives('---b-w-|', { b: given.b })
  })
  it('narrows the type with a guard', () => {
    const texts = filter((value: number | string): value is string => typeof value === 'string')
    expectTypeOf(texts).returns.toExtend<import('rxjs').Observable<Flow<string>>>()
    flowMarbles(texts)
      .given('-a-x-|', { a: record<number | string>('k', 1, 1), x: record<number | string>('k', 2, 'x') })
      .gives('---x-|', { x: record('k', 2, 'x') })
  })
  it('asks for the key of a window', () => {
    const words: Record<string, RecordElement<Windowed<number>, WindowFlag>> = {
      f: said('final', 'k', [0, 10], 1),
      g: said('final', 'j', [0, 10], 2),
    }
    flowMarbles(filter<Windowed<number>, WindowFlag>((_, { key }) => key === 'k'))
      .given('-fg-|', words)
      .gives('-f--|', words)
  })
  it('refuses the record whose predicate throws', () => {
    const { refused } = flowMarbles(
      filter((value: number) => {
        if (value === 3) throw new RangeError('not three')
        return true
      }),
    )
      .given('-a-b-|', given)
      .gives('---b-|', { b: given.b })
    expect(refused).toEqual([{ offset: 0, key: 'k', stepId: 'filter', result: 'rejected', detail: 'not three' }])
  })
})
