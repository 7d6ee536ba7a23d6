import { pipe } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { pulse, record, side, watermark } from '../../topology/testing/elements.ts'
import { driveFlow } from '../../topology/testing/flow-driver.ts'
import { flowMarbles } from '../../topology/testing/marbles.ts'
import { jsonCodec } from '../core/codec.ts'
import { timersPerKeyMax } from '../core/keyed-process.ts'
import { countEvents } from '../core/windows/aggregate.ts'
import { aggregate } from './aggregate.ts'
import { type ProcessOptions, process } from './process.ts'
import { tumblingWindows } from './windows.ts'

interface Visits {
  readonly count: number
  readonly last: number
}

/** Tells how often a key came, when it has not come for 10. */
const visits = () =>
  process<string, Visits, number>('visits', {
    state: jsonCodec<Visits>(),
    initial: () => ({ count: 0, last: Number.NEGATIVE_INFINITY }),
    onRecord({ state, timers }, { eventTime }) {
      const { count, last } = state.get()
      timers.cancel(last + 10)
      timers.eventTime(eventTime + 10)
      state.set({ count: count + 1, last: eventTime })
    },
    onTimer({ state, emit }) {
      emit(state.get().count)
      state.clear()
    },
  })

type Options = ProcessOptions<string, number, string, 'event', undefined>
const numbers = (options: Omit<Options, 'state'>) =>
  process<string, number, string>('p', { state: jsonCodec<number>(), ...options })

describe('state', () => {
  it('is of each key, and nothing at first', () => {
    const counted = numbers({
      onRecord({ key, state, emit }) {
        const count = (state.get() ?? 0) + 1
        state.set(count)
        emit(`${key}${count}`)
      },
    })
    flowMarbles(counted)
      .given('-a-b-a-|', { a: record('a', 1, ''), b: record('b', 2, '') })
      .gives('-A-B-C-|', { A: record('a', 1, 'a1', 0), B: record('b', 2, 'b1', 1), C: record('a', 1, 'a2', 2) })
  })
  it('is as before when the function throws, and what it put out and set is not there', () => {
    const picky = numbers({
      onRecord({ state, emit, side: aside, timers }, { value }) {
        state.set((state.get() ?? 0) + 1)
        emit(`${value}${state.get()}`)
        aside('seen', value)
        timers.eventTime(5)
        if (value === 'x') throw new RangeError('x is refused')
      },
      onTimer: ({ emit }) => emit('timer'),
    })
    const { refused } = flowMarbles(picky)
      .given('-x-v-a---w----|', { x: record('k', 1, 'x'), v: watermark(5), a: record('k', 6, 'a'), w: watermark(9) })
      .gives('---v-(As)(Tw)-|', {
        ...{ A: record('k', 6, 'a1', 1), s: side('seen', record('k', 6, 'a', 1)) },
        T: record('k', 6, 'timer', 1),
      })
    expect(refused).toEqual([{ offset: 0, key: 'k', stepId: 'p', result: 'rejected', detail: 'x is refused' }])
  })
})

describe('a record put out', () => {
  it('has the event time that is asked for, or that of what brought it about', () => {
    const shifted = numbers({ onRecord: ({ emit }, { value }) => emit(value, { eventTime: 42 }) })
    flowMarbles(shifted)
      .given('-a-|', { a: record('k', 1, 'v') })
      .gives('-A-|', { A: record('k', 42, 'v') })
  })
  it('has a time: the record of a function that gives none is refused', () => {
    const timeless = numbers({ onRecord: ({ emit }, { value }) => emit(value, { eventTime: Number.NaN }) })
    const { refused } = flowMarbles(timeless)
      .given('-a-|', { a: record('k', 1, 'v') })
      .gives('---|')
    expect(refused.map(({ detail }) => detail)).toEqual(['an event time is whole ms, was NaN'])
  })
})

it('a time that is no date refuses its record, and ends nothing below', () => {
  const distant = numbers({ onRecord: ({ emit }, { value }) => emit(value, { eventTime: 9e15 }) })
  const counted = aggregate<string, number>('count', {
    ...{ window: tumblingWindows(10), allowedLateness: 0, aggregate: countEvents },
  })
  const flow = driveFlow(pipe(distant, counted))
  expect(flow.push(record('k', 1, 'v'))).toEqual([])
  expect(flow.effects[0]?.refused).toMatchObject([{ result: 'rejected', offset: 0 }])
})

describe('event-time timers', () => {
  it('fire when the watermark reaches them, before it goes on', () => {
    flowMarbles(visits())
      .given('-a--b--v--w---|', {
        a: record('ann', 1, ''),
        b: record('ann', 5, ''),
        v: watermark(14),
        w: watermark(15),
      })
      .gives('-------v--(Cw)|', { C: record('ann', 15, 2, 1) })
  })
  it('fire by time, then key, however they were set', () => {
    const timed = numbers({
      onRecord: ({ timers }, { value }) => timers.eventTime(Number(value)),
      onTimer: ({ emit }, { key, at }) => emit(`${key}${at}`),
    })
    flowMarbles(timed)
      .given('-abc-w-----|', {
        a: record('z', 1, '7'),
        b: record('y', 1, '7'),
        c: record('z', 1, '6'),
        w: watermark(9),
      })
      .gives('-----(ABCw)|', { A: record('z', 6, 'z6'), B: record('y', 7, 'y7'), C: record('z', 7, 'z7') })
  })
  it('fire at the next watermark when they are set for the past, and what they put out is late nowhere', () => {
    const late = numbers({
      onRecord: ({ timers }) => timers.eventTime(3),
      onTimer: ({ emit }, { at }) => emit(`${at}`),
    })
    flowMarbles(late)
      .given('-v-a-w---|', { v: watermark(10), a: record('k', 12, ''), w: watermark(11) })
      .gives('-v---(Tw)|', { T: record('k', 11, '3') })
  })
  it('belong to the record that set them first', () => {
    const twice = numbers({
      onRecord: ({ timers }) => timers.eventTime(9),
      onTimer: ({ emit }, { at }) => emit(`${at}`),
    })
    flowMarbles(twice)
      .given('-ab-w---|', { a: record('k', 1, ''), b: record('k', 2, ''), w: watermark(9) })
      .gives('----(Tw)|', { T: record('k', 9, '9', 0) })
  })
  it('may set the next one, which is due in the same watermark if that has passed it', () => {
    const ticking = numbers({
      onRecord: ({ timers }) => timers.eventTime(10),
      onTimer({ emit, timers }, { at }) {
        emit(`${at}`)
        timers.eventTime(at + 10)
      },
    })
    flowMarbles(ticking)
      .given('-a-v----w---|', { a: record('k', 1, ''), v: watermark(25), w: watermark(30) })
      .gives('---(ABv)(Cw)|', { A: record('k', 10, '10'), B: record('k', 20, '20'), C: record('k', 30, '30') })
  })
  it('that are set for their own time or before wait for the next watermark: no loop', () => {
    const stubborn = numbers({
      onRecord: ({ timers }) => timers.eventTime(10),
      onTimer({ emit, timers }, { at }) {
        emit(`${at}`)
        timers.eventTime(10)
      },
    })
    flowMarbles(stubborn)
      .given('-a-v---w---|', { a: record('k', 1, ''), v: watermark(10), w: watermark(11) })
      .gives('---(Av)(Bw)|', { A: record('k', 10, '10'), B: record('k', 11, '10') })
  })
  it('that throw are gone, refuse the record that set them, and leave the state', () => {
    const picky = numbers({
      onRecord({ state, timers }, { eventTime }) {
        state.set(1)
        timers.eventTime(eventTime + 1)
      },
      onTimer({ state, emit }, { at }) {
        emit(`${state.get()}`)
        state.set(99)
        if (at === 2) throw new RangeError('not at 2')
      },
    })
    const { refused } = flowMarbles(picky)
      .given('-a-v-b-w---|', { a: record('k', 1, ''), v: watermark(2), b: record('k', 3, ''), w: watermark(9) })
      .gives('---v---(Tw)|', { T: record('k', 4, '1', 1) })
    expect(refused).toEqual([{ offset: 0, key: 'k', stepId: 'p', result: 'rejected', detail: 'not at 2' }])
  })
  it('are bounded for each key: the record that sets one more is refused', () => {
    const greedy = numbers({
      onRecord({ timers }, { value }) {
        for (let at = 1; at <= Number(value); at++) timers.eventTime(at)
      },
      onTimer: ({ emit }) => emit(''),
    })
    const flow = driveFlow(greedy)
    flow.push(record('a', 1, `${timersPerKeyMax}`), record('b', 1, `${timersPerKeyMax + 1}`))
    expect(flow.effects.flatMap(({ refused }) => refused.map(({ key, detail }) => [key, detail]))).toEqual([
      ['b', `a key has at most ${timersPerKeyMax} timers`],
    ])
    expect(flow.push(watermark(9999))).toHaveLength(timersPerKeyMax + 1)
  })
})

describe('processing-time timers', () => {
  const alarm = numbers({
    onRecord: ({ timers }, { value }) => timers.processingTime(Number(value)),
    onTimer: ({ emit }, { kind, at }) => emit(`${kind} ${at}`),
  })

  it('fire at the pulse whose clock has reached them; no watermark moves them', () => {
    flowMarbles(alarm)
      .given('-a-w-p-q---|', { a: record('k', 7, '100'), w: watermark(500), p: pulse(99), q: pulse(101) })
      .gives('---w-p-(Tq)|', { T: record('k', 501, 'processingTime 100') })
  })
  it('put out at the time of the record that set them, until the watermark has passed it', () => {
    flowMarbles(alarm)
      .given('-a-p---|', { a: record('k', 7, '100'), p: pulse(100) })
      .gives('---(Tp)|', { T: record('k', 7, 'processingTime 100', 0) })
  })
})

describe('after a restart', () => {
  it.each([true, false])('state and timers go on where they were (full image: %s)', (full) => {
    const flow = driveFlow(visits())
    flow.push(record('ann', 1, ''), record('bob', 2, ''), watermark(0))
    flow.restart()
    flow.push(record('ann', 5, ''))
    flow.restart({ full })
    expect(flow.push(watermark(40))).toEqual([record('bob', 12, 1, 1), record('ann', 15, 2, 2), watermark(40)])
  })
  it('nothing is left of a key whose state was cleared and whose timers fired', () => {
    const flow = driveFlow(visits())
    const empty = flow.state().get('visits')?.length
    flow.push(record('ann', 1, ''), watermark(11))
    expect(flow.state().get('visits')?.length).toBe(empty)
  })
})
