import { describe, expect, it } from 'vitest'
import { barrier, record, watermark } from '../../topology/testing/elements.ts'
import { driveFlow } from '../../topology/testing/flow-driver.ts'
import { flowMarbles } from '../../topology/testing/marbles.ts'
import { jsonCodec } from '../core/codec.ts'
import type { Tagged } from '../core/tagged.ts'
import { joinWindowed } from './join-windowed.ts'
import type { RecordStep } from './record-step.ts'

type Venues = Tagged<{ bids: number; asks: number }>
const bid = (key: string, eventTime: number, value: number) => record<Venues>(key, eventTime, { from: 'bids', value })
const ask = (key: string, eventTime: number, value: number) => record<Venues>(key, eventTime, { from: 'asks', value })
const codecs = { left: jsonCodec<number>(), right: jsonCodec<number>() }
const inputs = { left: 'bids', right: 'asks', codecs } as const

/** Spreads of a bid and an ask that lie at most 5 apart. */
const near = (allowedLateness = 0) =>
  joinWindowed('near', {
    ...{ ...inputs, before: 5, after: 5, allowedLateness },
    select: (bidPrice, askPrice) => `${bidPrice}:${askPrice}`,
  })
/** As `near`, but a bid without an ask is told too. */
const nearOrAlone = (allowedLateness = 0) =>
  joinWindowed('near', {
    ...{ ...inputs, before: 5, after: 5, allowedLateness, kind: 'left' },
    select: (bidPrice, askPrice) => `${bidPrice}:${askPrice ?? 'none'}`,
  })

describe('joinWindowed', () => {
  it('puts a pair out once both are there, at the later of their times, whoever came first', () => {
    flowMarbles(near())
      .given('-l-r---|', { l: bid('k', 10, 1), r: ask('k', 12, 2) })
      .gives('---P---|', { P: record('k', 12, '1:2', 1) })
    flowMarbles(near())
      .given('-r-l---|', { l: bid('k', 10, 1), r: ask('k', 12, 2) })
      .gives('---P---|', { P: record('k', 12, '1:2', 1) })
  })
  it('includes both ends of the interval, and nothing beyond', () => {
    flowMarbles(near())
      .given('-abcd-l----|', {
        a: ask('k', 4, 4),
        b: ask('k', 5, 5),
        c: ask('k', 15, 15),
        d: ask('k', 16, 16),
        l: bid('k', 10, 1),
      })
      .gives('------(PQ)-|', { P: record('k', 10, '1:5'), Q: record('k', 15, '1:15') })
  })
  it('does not join other keys', () => {
    flowMarbles(near())
      .given('-l-r-|', { l: bid('k', 10, 1), r: ask('j', 10, 2) })
      .gives('-----|')
  })
  it('puts out every pair of several, by the event time of those that waited', () => {
    flowMarbles(near())
      .given('-lm-r----|', { l: bid('k', 12, 2), m: bid('k', 10, 1), r: ask('k', 13, 9) })
      .gives('----(PQ)-|', { P: record('k', 13, '1:9'), Q: record('k', 13, '2:9') })
  })
  it('has unequal sides: before is where the right one is earlier', () => {
    const trailing = joinWindowed('t', { ...inputs, before: 10, after: 0, select: (l, r) => `${l}:${r}` })
    flowMarbles(trailing)
      .given('-e-l-f-|', { e: ask('k', 0, 1), l: bid('k', 10, 2), f: ask('k', 11, 3) })
      .gives('---P---|', { P: record('k', 10, '2:1') })
  })
  it('refuses what is late: the watermark has reached its event time', () => {
    const { refused } = flowMarbles(near())
      .given('-r-w-l-|', { r: ask('k', 12, 2), w: watermark(10), l: bid('k', 10, 1) })
      .gives('---w---|')
    expect(refused).toEqual([
      { offset: 1, key: 'k', stepId: 'near', result: 'late', detail: 'event time 10 is 0 ms behind the watermark' },
    ])
  })
  it('takes what comes within the lateness, and its partners have waited for it', () => {
    flowMarbles(near(3))
      .given('-r-w-l-|', { r: ask('k', 7, 2), w: watermark(12), l: bid('k', 10, 1) })
      .gives('---w-P-|', { P: record('k', 10, '1:2') })
  })
  it('keeps a record exactly as long as a partner that is not late can come', () => {
    flowMarbles(near(3))
      .given('-r-v-l-w-m-|', {
        ...{ r: ask('k', 10, 1), v: watermark(17), l: bid('k', 15, 2), w: watermark(18), m: bid('k', 15, 3) },
      })
      .gives('---v-P-w---|', { P: record('k', 15, '2:1') })
    flowMarbles(near(3))
      .given('-l-v-r-|', { l: bid('k', 10, 1), v: watermark(17), r: ask('k', 15, 2) })
      .gives('---v-P-|', { P: record('k', 15, '1:2') })
  })
  it('gives nothing where select gives undefined', () => {
    const crossed = joinWindowed('c', { ...inputs, before: 5, after: 5, select: (l, r) => (l > r ? l - r : undefined) })
    flowMarbles(crossed)
      .given('-l-rs-|', { l: bid('k', 10, 5), r: ask('k', 10, 5), s: ask('k', 10, 3) })
      .gives('----P-|', { P: record('k', 10, 2) })
  })
})

describe('joinWindowed of kind left', () => {
  it('tells the one that met nobody once its interval has passed, before the watermark goes on', () => {
    flowMarbles(nearOrAlone())
      .given('-l-v-w---|', { l: bid('k', 10, 1), v: watermark(14), w: watermark(15) })
      .gives('---v-(Aw)|', { A: record('k', 15, '1:none', 0) })
  })
  it('tells nothing more of one that met somebody', () => {
    flowMarbles(nearOrAlone())
      .given('-l-r-w-|', { l: bid('k', 10, 1), r: ask('k', 12, 2), w: watermark(99) })
      .gives('---P-w-|', { P: record('k', 12, '1:2') })
  })
  it('waits for the lateness too, so that it never takes back what it said', () => {
    flowMarbles(nearOrAlone(10))
      .given('-lm-w-r-x---|', {
        ...{ l: bid('k', 10, 1), m: bid('j', 10, 2), w: watermark(16), r: ask('k', 12, 3), x: watermark(25) },
      })
      .gives('----w-P-(Ax)|', { P: record('k', 12, '1:3'), A: record('j', 25, '2:none', 1) })
  })
  it('tells those of one watermark by event time, then key', () => {
    flowMarbles(nearOrAlone())
      .given('-abc-w-----|', { a: bid('z', 11, 1), b: bid('y', 11, 2), c: bid('z', 10, 3), w: watermark(50) })
      .gives('-----(ABCw)|', {
        A: record('z', 15, '3:none'),
        B: record('y', 16, '2:none'),
        C: record('z', 16, '1:none'),
      })
  })
})

describe('what throws in select', () => {
  const picky = (kind: 'inner' | 'left'): RecordStep<Venues, 'event', string, 'event'> => {
    const select = (l: number, r: number | undefined): string => {
      if (r === 13 || r === undefined) throw new RangeError('unlucky')
      return `${l}:${r}`
    }
    const shape = { ...inputs, before: 5, after: 5 }
    return kind === 'inner' ? joinWindowed('p', { ...shape, select }) : joinWindowed('p', { ...shape, kind, select })
  }

  it('refuses the record that completed the pair; it has joined nobody, and meets nobody later', () => {
    const { refused } = flowMarbles(picky('inner'))
      .given('-l-r-m-s-|', { l: bid('k', 10, 1), r: ask('k', 10, 13), m: bid('k', 11, 2), s: ask('k', 20, 5) })
      .gives('---------|')
    expect(refused).toEqual([{ offset: 1, key: 'k', stepId: 'p', result: 'rejected', detail: 'unlucky' }])
  })
  it('refuses the one that met nobody when it is told, and others go on', () => {
    const { refused } = flowMarbles(picky('left'))
      .given('-l-w-|', { l: bid('k', 10, 1), w: watermark(99) })
      .gives('---w-|')
    expect(refused).toEqual([{ offset: 0, key: 'k', stepId: 'p', result: 'rejected', detail: 'unlucky' }])
  })
})

describe('its state', () => {
  it('goes on after a restart, from a full image and from changes', () => {
    for (const full of [true, false]) {
      const flow = driveFlow(nearOrAlone())
      flow.push(bid('k', 10, 1), bid('j', 10, 2))
      flow.restart()
      flow.push(ask('k', 11, 3))
      flow.restart({ full })
      expect(flow.push(ask('j', 12, 4))).toEqual([record('j', 12, '2:4', 3)])
      // The one of k met somebody before the restart: it is not told as alone.
      expect(flow.push(watermark(99))).toEqual([watermark(99)])
    }
  })
  it('is gone when no partner can come any more', () => {
    const flow = driveFlow(nearOrAlone(3))
    const empty = flow.state().get('near')?.length
    flow.push(bid('k', 10, 1), ask('k', 12, 3), ask('j', 14, 3), watermark(22))
    expect(flow.state().get('near')?.length).toBe(empty)
  })
  it('is read by an instance that then refuses what was late before', () => {
    const checkpoint = barrier()
    flowMarbles(near())
      .given('-wc|', { w: watermark(10), c: checkpoint })
      .gives('-wc|')
    const { refused } = flowMarbles(near(), { restored: [checkpoint] })
      .given('-l|', { l: bid('k', 9, 1) })
      .gives('--|')
    expect(refused.map(({ result }) => result)).toEqual(['late'])
  })
})
