import type { Observable } from 'rxjs'
import { expectTypeOf, it } from 'vitest'
import { jsonCodec } from '../core/codec.ts'
import type { Flow } from '../core/stream-element.ts'
import type { Windowed, WindowFlag } from '../core/stream-record.ts'
import { countEvents, sumNumbers } from '../core/windows/aggregate.ts'
import { aggregate } from './aggregate.ts'
import { fillGaps } from './fill-gaps.ts'
import { filter } from './filter.ts'
import { finals } from './finals.ts'
import { flatMap } from './flat-map.ts'
import { keyBy } from './key-by.ts'
import { map } from './map.ts'
import { reduce } from './reduce.ts'
import { rollUp } from './roll-up.ts'
import { sideOutput, sideTag } from './side-output.ts'
import { toBars } from './to-bars.ts'
import { countWindows, tumblingWindows } from './windows.ts'

// What tsc says of this file is the test: nothing in these functions is called.
interface Visit {
  readonly user: string
  readonly seconds: number
}
declare const visits$: Observable<Flow<Visit>>
declare const numbers$: Observable<Flow<number>>
declare const sums$: Observable<Flow<Windowed<number>, WindowFlag>>
const perMinute = { window: tumblingWindows('1m'), allowedLateness: '5s' } as const

it('types flow from step to step without being named', () => {
  const pipe = () =>
    visits$.pipe(
      filter(({ seconds }) => seconds > 0),
      keyBy('by-user', { key: ({ user }) => user }),
      map(({ seconds }) => seconds),
      aggregate('seconds', { ...perMinute, aggregate: sumNumbers }),
      rollUp('hours', { size: '1h', merge: (a, b) => a + b, allowedLateness: '5s' }),
      fillGaps('filled', { every: '1h', fill: 'none', allowedLateness: '5s' }),
      finals(),
      flatMap(({ value, start }) => (value === undefined ? [] : [`${start}: ${value.toFixed(0)}`])),
    )
  expectTypeOf(pipe).returns.toEqualTypeOf<Observable<Flow<string>>>()
})

it('what is said of windows keeps its flag', () => {
  expectTypeOf(() => sums$.pipe(map(({ value }) => String(value)))).returns.toEqualTypeOf<
    Observable<Flow<string, WindowFlag>>
  >()
})

it('a reduce says events, or windows where it has some', () => {
  const running = () => numbers$.pipe(reduce('sum', { fn: (a, b) => a + b }))
  const windowed = () => numbers$.pipe(reduce('sum', { fn: (a, b) => a + b, window: countWindows(3) }))
  expectTypeOf(running).returns.toEqualTypeOf<Observable<Flow<number>>>()
  expectTypeOf(windowed).returns.toEqualTypeOf<Observable<Flow<Windowed<number>, WindowFlag>>>()
})

it('steps with state need an id', () => {
  return [
    // @ts-expect-error no id
    () => aggregate({ ...perMinute, aggregate: countEvents }),
    // @ts-expect-error no id
    () => reduce({ fn: Math.max }),
    // @ts-expect-error no id
    () => rollUp({ size: '1h', merge: Math.max, allowedLateness: 0 }),
    // @ts-expect-error no id
    () => fillGaps({ every: '1m', fill: 'none', allowedLateness: 0 }),
    // @ts-expect-error no id
    () => toBars({ by: 'ticks', size: 10 }),
    // @ts-expect-error no id
    () => keyBy({ key: String }),
  ]
})

it('only events are aggregated', () => {
  const counted = aggregate<Windowed<number>, number>('counts', { ...perMinute, aggregate: countEvents })
  return [
    // @ts-expect-error a correction is no event
    () => sums$.pipe(counted),
    () => sums$.pipe(finals(), counted),
    // @ts-expect-error an event is nothing that is said of a window
    () => numbers$.pipe(finals()),
    // @ts-expect-error windows are not put under other keys
    () => sums$.pipe(keyBy('by-end', { key: ({ end }: Windowed<number>) => String(end) })),
    // @ts-expect-error an event has no window to roll up
    () => numbers$.pipe(rollUp('hours', { size: '1h', merge: Math.max, allowedLateness: 0 })),
  ]
})

it('windows of time say their lateness, those of arrival have none', () => {
  return [
    // @ts-expect-error no lateness
    () => aggregate('sums', { window: tumblingWindows('1m'), aggregate: sumNumbers }),
    // @ts-expect-error nothing is late for them
    () => aggregate('sums', { window: countWindows(3), allowedLateness: '1s', aggregate: sumNumbers }),
    () => aggregate('sums', { window: countWindows(3), aggregate: sumNumbers }),
  ]
})

it('values fit the functions, side outputs and codecs that take them', () => {
  const visitTag = sideTag<Visit>('visits')
  return [
    // @ts-expect-error numbers are no visits
    () => numbers$.pipe(sideOutput(visitTag, () => true)),
    // @ts-expect-error a visit is no number
    () => visits$.pipe(aggregate('sums', { ...perMinute, aggregate: sumNumbers })),
    // @ts-expect-error the late ones are numbers
    () => aggregate<number, number>('sums', { ...perMinute, aggregate: sumNumbers, late: visitTag }),
    // @ts-expect-error the codec is of texts
    () => numbers$.pipe(keyBy<number>('by-number', { key: String, codec: jsonCodec<string>() })),
    // @ts-expect-error a visit is no trade
    () => visits$.pipe(toBars('bars', { by: 'ticks', size: 1 })),
  ]
})
