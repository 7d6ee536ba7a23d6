import fc from 'fast-check'
import { expect, it } from 'vitest'
import { propertyRuns } from '../../test/property-runs.ts'
import { pulse, record, watermark } from '../../topology/testing/elements.ts'
import { driveFlow } from '../../topology/testing/flow-driver.ts'
import type { Flow } from '../core/stream-element.ts'
import type { Windowed, WindowFlag } from '../core/stream-record.ts'
import { sumNumbers } from '../core/windows/aggregate.ts'
import { type WindowSpec, windowAssigner } from '../core/windows/window.ts'
import { aggregate } from './aggregate.ts'
import type { RecordStep } from './record-step.ts'
import { reduce } from './reduce.ts'
import { rollUp } from './roll-up.ts'
import { countWindows, hoppingWindows, sessionWindows, tumblingWindows } from './windows.ts'

const runs = propertyRuns(200)

type Out = Flow<number, 'event'> | Flow<Windowed<number>, WindowFlag>

const events = fc.record({
  key: fc.constantFrom('a', 'b', 'c'),
  time: fc.integer({ min: -50, max: 100 }),
  value: fc.integer({ min: 1, max: 9 }),
})
const log = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: events.map(({ key, time, value }): Flow<number> => record(key, time, value)) },
    { weight: 2, arbitrary: fc.integer({ min: -50, max: 130 }).map((time): Flow<number> => watermark(time)) },
    { weight: 1, arbitrary: fc.constant<Flow<number>>(pulse(0)) },
  ),
  { maxLength: 60 },
)
const timeWindows: readonly WindowSpec[] = [tumblingWindows(10), hoppingWindows(20, 7), sessionWindows(8)]
const sums = (window: WindowSpec, allowedLateness: number) =>
  aggregate('sums', { window, allowedLateness, aggregate: sumNumbers, emitEvery: 0 })
const tens = sums(tumblingWindows(10), 20)
const thirties = rollUp<number>('thirties', { size: 30, merge: (a, b) => a + b, allowedLateness: 20, emitEvery: 0 })

const steps: readonly { readonly name: string; readonly run: () => ReturnType<typeof driven> }[] = [
  ...timeWindows.map((window) => ({ name: window.kind, run: () => driven(sums(window, 20)) })),
  {
    name: 'count',
    run: () => driven(aggregate('sums', { window: countWindows(3), aggregate: sumNumbers, emitEvery: 0 })),
  },
  { name: 'running', run: () => driven(reduce<number>('sums', { fn: (a, b) => a + b })) },
  {
    name: 'rolled up',
    run: () => drivenFlow<Windowed<number>, WindowFlag>((source) => source.pipe(tens, thirties)),
  },
]

function driven<U, G extends 'event' | WindowFlag>(step: RecordStep<number, 'event', U, G>) {
  return drivenFlow<U, G>(step)
}

function drivenFlow<U, G extends 'event' | WindowFlag>(
  operator: import('rxjs').OperatorFunction<Flow<number>, Flow<U, G>>,
) {
  const flow = driveFlow(operator)
  return {
    push: (element: Flow<number>): readonly unknown[] => flow.push(element),
    restart: flow.restart,
    state: flow.state,
  }
}

// Goal: it makes no difference where the state is written and read again.
// Method: the same log with and without restarts, of full images and of changes; updates have no order among keys.
it.each(steps)('$name: restarts anywhere give the unbroken run', ({ run }) => {
  const restarts = fc.array(fc.tuple(fc.nat(60), fc.boolean()), { maxLength: 12 })
  fc.assert(
    fc.property(log, restarts, (elements, at) => {
      const [unbroken, broken] = [run(), run()]
      const restartAt = new Map(at)
      let hasImage = false
      for (const [i, element] of elements.entries()) {
        const full = restartAt.get(i)
        if (full !== undefined) {
          expect(broken.restart({ full: full || !hasImage })).toEqual([])
          hasImage = true
        }
        const [expected, seen] = [unbroken.push(element), broken.push(element)]
        if (element.kind === 'pulse') expect(asSet(seen)).toEqual(asSet(expected))
        else expect(seen).toEqual(expected)
      }
    }),
    runs,
  )
})

function asSet(elements: readonly unknown[]): readonly string[] {
  return elements.map((element) => JSON.stringify(element)).sort()
}

// Goal: the last word about each window is a function of the set of events, and nothing is left when lateness is over.
// Method: random events in any order between watermarks that make none of them late, against a plain grouping.
it.each(timeWindows)('$kind: any arrival order within lateness gives the same last words', (window) => {
  const between = fc.array(fc.integer({ min: -60, max: 110 }), { maxLength: 5 })
  fc.assert(
    fc.property(fc.array(events, { maxLength: 40 }), between, fc.nat(), (list, watermarks, seed) => {
      const flow = driveFlow(sums(window, 1000))
      const words = new Map<string, number>()
      const take = (elements: readonly Out[]): void => {
        for (const element of elements) {
          if (element.kind !== 'rows' || typeof element.rows.value === 'number') continue
          const { flag, key, value } = element.rows
          if (flag === 'retraction') words.delete(`${key} ${value.start} ${value.end}`)
          else words.set(`${key} ${value.start} ${value.end}`, value.value)
        }
      }
      for (const [i, { key, time, value }] of list.entries()) {
        take(flow.push(record(key, time, value)))
        const time2 = watermarks[(seed + i) % 9]
        if (time2 !== undefined) take(flow.push(watermark(time2)))
      }
      take(flow.push(watermark(Number.MAX_SAFE_INTEGER)))
      expect([...words].sort()).toEqual([...grouped(window, list)].sort())
      expect(flow.effects[0]?.refused).toEqual([])
      // Offset, watermark, no retraction, no key.
      expect(flow.state().get('sums')).toHaveLength(8 + 8 + 1 + 1)
    }),
    runs,
  )
})

interface Event {
  readonly key: string
  readonly time: number
  readonly value: number
}

function grouped(window: WindowSpec, list: readonly Event[]): Map<string, number> {
  const words = new Map<string, number>()
  if (window.kind === 'session') {
    for (const group of sessionsOf(list, window.gapMs)) {
      const times = group.map(({ time }) => time)
      const id = `${group[0]?.key} ${Math.min(...times)} ${Math.max(...times) + window.gapMs}`
      words.set(
        id,
        group.reduce((sum, { value }) => sum + value, 0),
      )
    }
    return words
  }
  for (const { key, time, value } of list)
    for (const { start, end } of windowAssigner(window)(time))
      words.set(`${key} ${start} ${end}`, (words.get(`${key} ${start} ${end}`) ?? 0) + value)
  return words
}

function sessionsOf(list: readonly Event[], gapMs: number): Event[][] {
  const groups: Event[][] = []
  const sorted = [...list].sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : a.time - b.time))
  for (const event of sorted) {
    const last = groups.at(-1)
    const before = last?.at(-1)
    if (last !== undefined && before?.key === event.key && event.time - before.time < gapMs) last.push(event)
    else groups.push([event])
  }
  return groups
}
