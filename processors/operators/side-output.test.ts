import { describe, expect, it } from 'vitest'
import { at, record, side, watermark } from '../../topology/testing/elements.ts'
import { flowMarbles } from '../../topology/testing/marbles.ts'
import { map } from './map.ts'
import { sideOutput, sideTag } from './side-output.ts'

describe('sideOutput', () => {
  const large = sideTag<number>('large')
  const given = { a: record('k', 12, 3), b: record('k', 7, 5), w: watermark(20) }

  it('sends aside what its predicate holds for', () => {
    flowMarbles(sideOutput(large, (value) => value > 4))
      .given('-a-b-w-|', given)
      .gives('-a-s-w-|', { a: given.a, s: side('large', at(1, given.b)) })
  })
  it('goes past the steps that follow', () => {
    const aside = sideOutput(large, (value) => value > 4)
    const doubled = map((value: number) => value * 2)
    flowMarbles<number, 'event', number, 'event'>((source) => source.pipe(aside, doubled))
      .given('-a-b-|', given)
      .gives('-A-s-|', { A: record('k', 12, 6), s: side('large', given.b) })
  })
  it('refuses the record whose predicate throws, and sends nothing aside', () => {
    const { refused } = flowMarbles(
      sideOutput(large, (value) => {
        if (value === 5) throw new RangeError('five')
        return false
      }),
    )
      .given('-a-b-|', given)
      .gives('-a---|', { a: given.a })
    expect(refused).toMatchObject([{ offset: 1, stepId: 'sideOutput', detail: 'five' }])
  })
})
