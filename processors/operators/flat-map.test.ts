import { describe, expect, it } from 'vitest'
import { at, record, watermark } from '../../topology/testing/elements.ts'
import { flowMarbles } from '../../topology/testing/marbles.ts'
import { flatMap, flatMapMax } from './flat-map.ts'

describe('flatMap', () => {
  it('makes a record of each value, of the time and the offset of the one they come from', () => {
    flowMarbles(flatMap((value: string) => value.split(' ').filter((word) => word !== '')))
      .given('-a---b-w-|', { a: record('k', 12, 'x y'), b: record('k', 7, ''), w: watermark(20) })
      .gives('-(xy)--w-|', { x: at(0, record('k', 12, 'x')), y: at(0, record('k', 12, 'y')) })
  })
  it('gives nothing of a record whose iterator throws on the way', () => {
    const { refused } = flowMarbles(
      flatMap(function* (value: number) {
        yield value
        if (value === 1) throw new RangeError('no more')
        yield value
      }),
    )
      .given('-a-b---|', { a: record('k', 1, 1), b: record('k', 2, 2) })
      .gives('---(bb)|', { b: record('k', 2, 2) })
    expect(refused).toMatchObject([{ offset: 0, stepId: 'flatMap', result: 'rejected', detail: 'no more' }])
  })
  it('refuses a record without end', () => {
    const { refused } = flowMarbles(
      flatMap(function* () {
        for (;;) yield 1
      }),
    )
      .given('-a-|', { a: record('k', 1, 1) })
      .gives('---|')
    expect(refused).toMatchObject([{ result: 'rejected', detail: `a record becomes at most ${flatMapMax} records` }])
  })
})
