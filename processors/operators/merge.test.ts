import { describe, expect, it } from 'vitest'
import { barrier, record, watermark } from '../../topology/testing/elements.ts'
import { flowMarbles } from '../../topology/testing/marbles.ts'
import { filter } from './filter.ts'
import { map } from './map.ts'
import { merge } from './merge.ts'

describe('merge', () => {
  const given = { a: record('k', 12, 3), b: record('k', 7, 4), w: watermark(20), x: barrier() }

  it('sends every record through each operator, in their order', () => {
    flowMarbles(
      merge(
        map((value: number) => value * 10),
        filter((value: number) => value % 2 === 1),
      ),
    )
      .given('-a---b-w-x-|', given)
      .gives('-(Aa)B-w-x-|', { A: record('k', 12, 30, 0), a: record('k', 12, 3, 0), B: record('k', 7, 40, 1) })
  })
  it('refuses by the step that throws, and the other operators go on', () => {
    const picky = map((value: number) => {
      if (value === 3) throw new RangeError('three')
      return value
    })
    const { refused } = flowMarbles(
      merge(
        picky,
        map((value: number) => value * 10),
      ),
    )
      .given('-a-b---|', given)
      .gives('-A-(bB)|', { A: record('k', 12, 30), b: record('k', 7, 4), B: record('k', 7, 40) })
    expect(refused).toMatchObject([{ offset: 0, stepId: 'map', detail: 'three' }])
  })
})
