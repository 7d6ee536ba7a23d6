import { describe, expect, it } from 'vitest'
import { at, barrier, record, said, watermark } from '../../topology/testing/elements.ts'
import { flowMarbles } from '../../topology/testing/marbles.ts'
import { numberCodec } from '../core/codec.ts'
import { reduce } from './reduce.ts'
import { countWindows, sessionWindows, tumblingWindows } from './windows.ts'

const given = {
  ...{ a: record('k', 12, 3), b: record('k', 7, 5), c: record('j', 8, 1), d: record('k', 8, 4) },
  ...{ w: watermark(19), x: barrier(), y: barrier({ full: false }) },
}
const highest = reduce('highest', { fn: Math.max })

describe('reduce without a window', () => {
  it('says every new value of the key', () => {
    flowMarbles(highest)
      .given('-a-b-c-d-w|', given)
      .gives('-A-B-C-D-w|', {
        ...{ A: at(0, record('k', 12, 3)), B: at(1, record('k', 7, 5)), C: at(2, record('j', 8, 1)) },
        D: at(3, record('k', 8, 5)),
      })
  })
  it('goes on from a checkpoint and the changes after it', () => {
    flowMarbles(highest).given('-axcy|', given).gives('-AxCy|', { A: given.a, C: given.c })
    flowMarbles(highest, { restored: [given.x, given.y] })
      .given('-b-c-|', { b: record('k', 1, 2), c: record('j', 1, 0) })
      .gives('-B-C-|', { B: record('k', 1, 3), C: record('j', 1, 1) })
  })
  it('keeps the value of before where its function throws', () => {
    const picky = (earlier: number, later: number): number => {
      if (later === 5) throw new RangeError('five')
      return earlier + later
    }
    const { refused } = flowMarbles(reduce('sums', { fn: picky, codec: numberCodec }))
      .given('-a-b-d-|', given)
      .gives('-a---D-|', { a: given.a, D: record('k', 8, 7) })
    expect(refused).toEqual([{ offset: 1, key: 'k', stepId: 'sums', result: 'rejected', detail: 'five' }])
  })
})

describe('reduce with a window', () => {
  it('says a value for each window', () => {
    flowMarbles(reduce('highest', { fn: Math.max, window: tumblingWindows(10), allowedLateness: 0 }))
      .given('-a-b-c-d-w-----|', given)
      .gives('---------(fghw)|', {
        f: said('final', 'j', [0, 10], 1),
        g: said('final', 'k', [0, 10], 5, 2),
        h: said('final', 'k', [10, 20], 3),
      })
  })
  it('joins sessions, the earlier first', () => {
    const joined = reduce('joined', {
      ...{
        fn: (earlier: string, later: string) => `${earlier}${later}`,
        window: sessionWindows(5),
        allowedLateness: 0,
      },
    })
    flowMarbles(joined)
      .given('-c-a-b-w---|', {
        a: record('k', 1, 'a'),
        b: record('k', 4, 'b'),
        c: record('k', 8, 'c'),
        w: watermark(50),
      })
      .gives('-------(fw)|', { f: said('final', 'k', [1, 13], 'acb', 3) })
  })
  it('says a value of every so many', () => {
    flowMarbles(reduce('highest', { fn: Math.max, window: countWindows(2) }))
      .given('-a-b-d-|', given)
      .gives('---f---|', { f: said('final', 'k', [12, 13], 5, 2) })
  })
})
