import { describe, expect, it } from 'vitest'
import { InvariantViolation } from '../../schemas/errors.ts'
import { barrier, pulse, record, said, side, watermark } from '../../topology/testing/elements.ts'
import { flowMarbles } from '../../topology/testing/marbles.ts'
import type { Windowed, WindowFlag } from '../core/stream-record.ts'
import { map } from './map.ts'

describe('map', () => {
  const given = { a: record('k', 12, 3), b: record('j', 7, 5), w: watermark(20) }

  it('replaces values and nothing else', () => {
    flowMarbles(map((value: number) => value * 10))
      .given('-a-b-w-|', given)
      .gives('-A-B-w-|', { A: record('k', 12, 30, 0), B: record('j', 7, 50, 1) })
  })
  it('sees the record', () => {
    flowMarbles(map((value: number, { key, eventTime }) => `${key}${eventTime}=${value}`))
      .given('-a-b-|', given)
      .gives('-A-B-|', { A: record('k', 12, 'k12=3'), B: record('j', 7, 'j7=5') })
  })
  it('keeps what is said of a window', () => {
    flowMarbles(
      map<Windowed<number>, Windowed<string>, WindowFlag>((of, { flag }) => ({ ...of, value: `${flag} ${of.value}` })),
    )
      .given('-f-|', { f: said('final', 'k', [0, 10], 3) })
      .gives('-F-|', { F: said('final', 'k', [0, 10], 'final 3') })
  })
  it('lets by what is no record', () => {
    flowMarbles(map<number, number>((value) => value))
      .given('-w-p-b-s-|', { w: watermark(5), p: pulse(1), b: barrier(), s: side('odd', record('k', 1, 'x')) })
      .gives('-w-p-b-s-|')
  })
  it('refuses the record whose function throws, and goes on', () => {
    const picky = map((value: number) => {
      if (value === 3) throw new RangeError('three is refused')
      return value
    })
    const { refused } = flowMarbles(picky)
      .given('-a-b-|', given)
      .gives('---b-|', { b: record('j', 7, 5) })
    expect(refused).toEqual([{ offset: 0, key: 'k', stepId: 'map', result: 'rejected', detail: 'three is refused' }])
  })
  it('passes on an error of our own', () => {
    const broken = new InvariantViolation('a rule')
    flowMarbles(
      map((): number => {
        throw broken
      }),
    )
      .given('-a-b-|', given)
      .gives('-#', {}, broken)
  })
})
