import fc from 'fast-check'
import { expect, it } from 'vitest'
import { propertyMsMax, propertyRuns } from '../../test/property-runs.ts'
import { barrier, record, type TestBarrier, watermark } from '../../topology/testing/elements.ts'
import { driveFlow } from '../../topology/testing/flow-driver.ts'
import { jsonCodec } from '../core/codec.ts'
import type { Flow } from '../core/stream-element.ts'
import type { Tagged } from '../core/tagged.ts'
import { deduplicate } from './deduplicate.ts'
import { joinTable } from './join-table.ts'
import { joinWindowed } from './join-windowed.ts'
import { process as processStep } from './process.ts'
import type { RecordStep } from './record-step.ts'

const runs = propertyRuns(200)

type Sides = Tagged<{ l: number; r: number }>
const codec = jsonCodec<number>()

/** Each operator that holds state, over one kind of input. */
const operators: readonly { readonly name: string; make(): RecordStep<Sides, 'event', unknown, 'event'> }[] = [
  {
    name: 'joinWindowed',
    make: () =>
      joinWindowed('s', {
        ...{ left: 'l', right: 'r', before: 3, after: 4, allowedLateness: 1, kind: 'left' },
        codecs: { left: codec, right: codec },
        select: (l, r) => [l, r],
      }),
  },
  {
    name: 'joinTable',
    make: () =>
      joinTable('s', {
        ...{ stream: 'l', table: 'r', codec },
        toTable: (value: number) => (value % 3 === 0 ? undefined : value),
        select: (l: number, row) => [l, row],
      }),
  },
  {
    name: 'deduplicate',
    make: () => deduplicate('s', { by: ({ from, value }: Sides) => `${from}${value % 4}`, within: 5 }),
  },
  {
    name: 'process',
    make: () =>
      processStep<Sides, number, number>('s', {
        state: codec,
        initial: () => 0,
        onRecord({ state, timers }, { value: { from, value }, eventTime }) {
          state.set(state.get() + value)
          if (from === 'l') timers.eventTime(eventTime + 3)
          else timers.cancel(value)
        },
        onTimer({ state, emit }, { at }) {
          emit(state.get())
          if (at % 2 === 0) state.clear()
        },
      }),
  },
]

type Step =
  | { readonly step: 'record'; readonly from: 'l' | 'r'; readonly key: string; readonly eventTime: number }
  | { readonly step: 'watermark'; readonly by: number }
  | { readonly step: 'checkpoint'; readonly full: boolean }

const moves = fc.oneof(
  {
    weight: 7,
    arbitrary: fc.record({
      step: fc.constant('record' as const),
      from: fc.constantFrom('l' as const, 'r' as const),
      key: fc.constantFrom('a', 'b'),
      eventTime: fc.integer({ min: 0, max: 16 }),
    }),
  },
  { weight: 3, arbitrary: fc.record({ step: fc.constant('watermark' as const), by: fc.integer({ min: 0, max: 3 }) }) },
)
const checkpoints = fc.record({ step: fc.constant('checkpoint' as const), full: fc.boolean() })
const before: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.oneof({ weight: 4, arbitrary: moves }, { weight: 1, arbitrary: checkpoints }),
  { maxLength: 50, size: '+1' },
)

// Goal: an instance that goes on after its checkpoints, and one that is opened from them, say the same from there on.
// Method: one instance, written in full and by its changes as it goes; at the end a second one from what was written; both
// are given the same.
it.each(operators)(
  '$name: what is read from checkpoints goes on as the one that wrote them',
  ({ make }) => {
    fc.assert(
      fc.property(before, fc.array(moves, { maxLength: 20, size: '+1' }), (first, then) => {
        let time = 0
        const elements = (steps: readonly Step[], from: number): (Flow<Sides> | TestBarrier)[] =>
          steps.map((one, i) => {
            if (one.step === 'checkpoint') return barrier(one)
            if (one.step === 'watermark') {
              time += one.by
              return watermark(time)
            }
            return record<Sides>(one.key, one.eventTime, { from: one.from, value: from + i }, from + i)
          })
        const flow = driveFlow(make())
        let written: TestBarrier[] = []
        for (const element of [barrier(), ...elements(first, 0), barrier({ full: false })]) {
          flow.push(element)
          if (isBarrier(element)) written = element.barrier.full ? [element] : [...written, element]
        }
        const again = driveFlow(make(), { restored: written })
        const rest = [...elements(then, first.length), watermark(100)]
        expect(again.push(...rest)).toEqual(flow.push(...rest))
        // The same state; in which order the keys stand in it is nothing.
        expect(again.state().get('s')?.length).toBe(flow.state().get('s')?.length)
      }),
      runs,
    )
  },
  propertyMsMax,
)

function isBarrier(element: Flow<Sides> | TestBarrier): element is TestBarrier {
  return element.kind === 'barrier' && 'images' in element
}
