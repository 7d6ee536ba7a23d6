import { describe, expect, it } from 'vitest'
import { record, watermark } from '../../topology/testing/elements.ts'
import { flowMarbles } from '../../topology/testing/marbles.ts'
import { tap } from './tap.ts'

describe('tap', () => {
  const given = { a: record('k', 12, 3), b: record('j', 7, 5), w: watermark(20) }

  it('shows records and lets all by', () => {
    const seen: string[] = []
    flowMarbles(tap((value: number, { key, eventTime }) => seen.push(`${key} ${eventTime} ${value}`)))
      .given('-a-b-w-|', given)
      .gives('-a-b-w-|', { a: given.a, b: given.b })
    expect(seen).toEqual(['k 12 3', 'j 7 5'])
  })
  it('refuses the record whose function throws', () => {
    const { refused } = flowMarbles(
      tap((value: number) => {
        if (value === 5) throw new RangeError('five')
      }),
    )
      .given('-a-b-|', given)
      .gives('-a---|', { a: given.a })
    expect(refused).toMatchObject([{ offset: 1, key: 'j', stepId: 'tap', detail: 'five' }])
  })
})
