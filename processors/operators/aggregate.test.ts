import { describe, expect, it } from 'vitest'
import { at, barrier, pulse, record, said, side, watermark } from '../../topology/testing/elements.ts'
import { flowMarbles } from '../../topology/testing/marbles.ts'
import { jsonCodec } from '../core/codec.ts'
import { type Aggregate, sumNumbers } from '../core/windows/aggregate.ts'
import { aggregate } from './aggregate.ts'
import { sideTag } from './side-output.ts'
import { countWindows, hoppingWindows, sessionWindows, tradingWindows, tumblingWindows } from './windows.ts'

const tooLate = sideTag<number>('too late')
const tumbling = { window: tumblingWindows(10), allowedLateness: 5, aggregate: sumNumbers }
const given = { a: record('k', 3, 1), b: record('k', 7, 2), c: record('k', 4, 5), w: watermark(9), x: watermark(14) }

describe('aggregate over tumbling windows', () => {
  it('says a final when the watermark passes the end, then corrections at once', () => {
    flowMarbles(aggregate('sums', tumbling))
      .given('-a--b--w---c--|', given)
      .gives('-------(fw)d--|', {
        f: at(1, said('final', 'k', [0, 10], 3, 2)),
        d: at(2, said('correction', 'k', [0, 10], 8, 3)),
      })
  })
  it('refuses what comes after the lateness, and sends it aside if there is a tag', () => {
    const { refused } = flowMarbles(aggregate('sums', { ...tumbling, late: tooLate }))
      .given('-a-x---c-b|', given)
      .gives('---(fx)l-m|', {
        f: said('final', 'k', [0, 10], 1),
        l: side('too late', at(1, given.c)),
        m: side('too late', at(2, given.b)),
      })
    const detail = 'the window [0, 10) and its lateness of 5ms are over'
    expect(refused).toEqual([
      { offset: 1, key: 'k', stepId: 'sums', result: 'late', detail },
      { offset: 2, key: 'k', stepId: 'sums', result: 'late', detail },
    ])
  })
  it('tells updates at pulses, no more often than asked', () => {
    flowMarbles(aggregate('sums', { ...tumbling, emitEvery: '1s' }))
      .given('-a-p---b-q-r---|', { ...given, p: pulse(5000), q: pulse(5999), r: pulse(6000) })
      .gives('---(up)--q-(vr)|', { u: said('update', 'k', [0, 10], 1), v: said('update', 'k', [0, 10], 3, 2) })
  })
  it('tells no updates unless asked', () => {
    flowMarbles(aggregate('sums', tumbling))
      .given('-a-p-|', { ...given, p: pulse(5000) })
      .gives('---p-|')
  })
  it('goes on from a checkpoint', () => {
    const b = barrier()
    flowMarbles(aggregate('sums', tumbling)).given('-a-b|', { a: given.a, b }).gives('---b|')
    flowMarbles(aggregate('sums', tumbling), { restored: [b] })
      .given('-w-----c|', given)
      .gives('-(fw)--d|', { f: at(0, said('final', 'k', [0, 10], 1)), d: said('correction', 'k', [0, 10], 6, 2) })
  })
})

describe('aggregate over other windows', () => {
  it('joins sessions, and takes back what they had said', () => {
    flowMarbles(aggregate('sums', { window: sessionWindows(10), allowedLateness: 20, aggregate: sumNumbers }))
      .given('-a--b--w-----c------|', {
        a: record('k', 0, 1),
        b: record('k', 15, 2),
        w: watermark(24),
        c: record('k', 7, 4),
      })
      .gives('-------(fgw)-(RSh)--|', {
        f: said('final', 'k', [0, 10], 1),
        g: said('final', 'k', [15, 25], 2),
        R: at(2, said('retraction', 'k', [0, 10], 1)),
        S: at(2, said('retraction', 'k', [15, 25], 2)),
        h: at(2, said('final', 'k', [0, 25], 7, 3)),
      })
  })
  it('counts a hopping record that is late for one of its windows only', () => {
    const { refused } = flowMarbles(
      aggregate('sums', { window: hoppingWindows(10, 5), allowedLateness: 0, aggregate: sumNumbers }),
    )
      .given('-w-c-x---|', { w: watermark(9), c: record('k', 7, 5), x: watermark(14) })
      .gives('-w---(fx)|', { f: said('final', 'k', [5, 15], 5) })
    expect(refused).toEqual([])
  })
  it('fills a count window in arrival order', () => {
    flowMarbles(aggregate('pairs', { window: countWindows(2), aggregate: sumNumbers, emitEvery: 0 }))
      .given('-a-w-c-b-p---|', { ...given, p: pulse(1) })
      .gives('---w-f---(up)|', { f: said('final', 'k', [3, 5], 6, 2), u: said('update', 'k', [7, 8], 2) })
  })
  it('puts a record outside of trading hours into no window', () => {
    const hours = tradingWindows({ zone: 'UTC', week: { thursday: { open: '08:00', close: '16:00' } } })
    const { refused } = flowMarbles(aggregate('sums', { window: hours, allowedLateness: 0, aggregate: sumNumbers }))
      .given('-a-|', given)
      .gives('---|')
    expect(refused).toEqual([])
  })
})

describe('an aggregate that throws', () => {
  const picky: Aggregate<number, number> = {
    ...sumNumbers,
    ...jsonCodec<number>(),
    add(acc, value, eventTime) {
      // The second of its windows has been summed by then.
      if (value === 2 && acc === 5) throw new RangeError(`no 2 at ${eventTime}`)
      return acc + value
    },
  }
  it('leaves every window as it was', () => {
    const { refused } = flowMarbles(
      aggregate('sums', { window: hoppingWindows(10, 5), allowedLateness: 0, aggregate: picky }),
    )
      .given('-a-b-w---|', { a: record('k', 10, 5), b: record('k', 9, 2), w: watermark(14) })
      .gives('-----(fw)|', { f: said('final', 'k', [5, 15], 5) })
    expect(refused).toEqual([{ offset: 1, key: 'k', stepId: 'sums', result: 'rejected', detail: 'no 2 at 9' }])
  })
})

it.each([
  { name: 'a window without length', options: { ...tumbling, window: tumblingWindows(0) }, code: 'BAD_WINDOW' },
  { name: 'a lateness that is no duration', options: { ...tumbling, allowedLateness: 'soon' }, code: 'BAD_DURATION' },
])('$name is refused when the operator is made', ({ options, code }) => {
  expect(() => aggregate('sums', options)).toThrow(expect.objectContaining({ code }))
})

it('says of itself what its state depends on', () => {
  expect(aggregate('sums', { ...tumbling, late: tooLate, emitEvery: '1s' }).step).toEqual({
    operator: 'aggregate',
    id: 'sums',
    options: { window: 'tumbling 10ms', allowedLatenessMs: 5, late: 'too late', emitEvery: '1s' },
  })
})
