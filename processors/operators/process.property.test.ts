import fc from 'fast-check'
import { expect, it } from 'vitest'
import { propertyMsMax, propertyRuns } from '../../test/property-runs.ts'
import { pulse, record, watermark } from '../../topology/testing/elements.ts'
import { driveFlow } from '../../topology/testing/flow-driver.ts'
import { jsonCodec } from '../core/codec.ts'
import type { TimerKind } from '../core/keyed-process.ts'
import { process as processStep } from './process.ts'

const runs = propertyRuns(200)

/** What a function does: set or cancel timers, or throw after all of it. A timer does what its time says. */
interface Action {
  readonly set: readonly (readonly [kind: TimerKind, at: number])[]
  readonly cancel: readonly number[]
  readonly isBad: boolean
}

const instants = fc.integer({ min: 0, max: 40 })
const kinds = fc.constantFrom<TimerKind>('eventTime', 'processingTime')
const actions: fc.Arbitrary<Action> = fc.record({
  set: fc.array(fc.tuple(kinds, instants), { maxLength: 3 }),
  cancel: fc.array(instants, { maxLength: 2 }),
  isBad: fc.boolean(),
})
const steps = fc.array(
  fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record({
        step: fc.constant('record' as const),
        key: fc.constantFrom('a', 'b', 'c'),
        action: actions,
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({ step: fc.constant('watermark' as const), by: fc.integer({ min: 0, max: 9 }) }),
    },
    { weight: 2, arbitrary: fc.record({ step: fc.constant('pulse' as const), by: fc.integer({ min: 0, max: 9 }) }) },
    { weight: 2, arbitrary: fc.record({ step: fc.constant('restart' as const), full: fc.boolean() }) },
  ),
  { maxLength: 70, size: '+1' },
)

/** Some timers set another one, some throw. */
function next(kind: TimerKind, at: number): { readonly sets: number | undefined; readonly isBad: boolean } {
  return { sets: at % 5 === 0 ? at + (at % 3) * 4 : undefined, isBad: kind === 'eventTime' && at % 7 === 3 }
}

interface Set {
  readonly kind: TimerKind
  readonly key: string
  readonly at: number
}

/** One list of timers, searched through for the next one each time. */
function createOracle() {
  let timers: Set[] = []
  const counts = new Map<string, number>()
  const fired: string[] = []
  const set = (list: readonly Set[], one: Set): Set[] =>
    list.some(({ kind, key, at }) => kind === one.kind && key === one.key && at === one.at) ? [...list] : [...list, one]
  return {
    refused: 0,
    record(key: string, { set: sets, cancel, isBad }: Action): void {
      if (isBad) {
        this.refused += 1
        return
      }
      counts.set(key, (counts.get(key) ?? 0) + 1)
      for (const [kind, at] of sets) timers = set(timers, { kind, key, at })
      timers = timers.filter((one) => one.key !== key || !cancel.includes(one.at))
    },
    fire(kind: TimerKind, until: number): string[] {
      let waiting: Set[] = []
      for (;;) {
        const due = timers
          .filter((one) => one.kind === kind && one.at <= until && !waiting.includes(one))
          .sort((a, b) => a.at - b.at || (a.key < b.key ? -1 : 1))
        const [first] = due
        if (first === undefined) return fired.splice(0)
        timers = timers.filter((one) => one !== first)
        waiting = waiting.filter((one) => one !== first)
        const { sets, isBad } = next(kind, first.at)
        if (isBad) {
          this.refused += 1
          continue
        }
        counts.set(first.key, (counts.get(first.key) ?? 0) + 1)
        fired.push(`${kind} ${first.key} ${first.at} ${counts.get(first.key)}`)
        if (sets === undefined) continue
        const before = timers.length
        timers = set(timers, { kind, key: first.key, at: sets })
        const made = timers[before]
        if (made !== undefined && sets <= first.at) waiting.push(made)
      }
    },
  }
}

// Goal: timers fire once each, by time, then key, with the state as it stands then; what throws changes nothing.
// Method: functions that set, cancel and throw; watermarks and pulses; restarts from full images and changes; an oracle with one list.
it(
  'timers and state are those of an oracle, over restarts',
  () => {
    fc.assert(
      fc.property(steps, (list) => {
        const flow = driveFlow(
          processStep<Action, number, string>('p', {
            state: jsonCodec<number>(),
            initial: () => 0,
            onRecord({ state, timers, emit }, { value: { set, cancel, isBad } }) {
              state.set(state.get() + 1)
              for (const [kind, at] of set) timers[kind](at)
              for (const at of cancel) timers.cancel(at)
              emit('not there when it throws')
              if (isBad) throw new RangeError('a bad record')
            },
            onTimer({ state, timers, emit }, { kind, key, at }) {
              const { sets, isBad } = next(kind, at)
              state.set(state.get() + 1)
              emit(`${kind} ${key} ${at} ${state.get()}`)
              if (sets !== undefined) timers[kind](sets)
              if (isBad) throw new RangeError('a bad timer')
            },
          }),
        )
        const oracle = createOracle()
        const seen: string[][] = []
        const wanted: string[][] = []
        let time = -1
        let now = -1
        flow.restart()
        const values = (out: ReturnType<typeof flow.push>): string[] =>
          out.flatMap((element) => (element.kind === 'rows' ? [element.rows.value] : []))
        for (const one of list) {
          if (one.step === 'restart') flow.restart(one)
          else if (one.step === 'record') {
            seen.push([`${flow.push(record(one.key, time, one.action)).length}`])
            wanted.push([one.action.isBad ? '0' : '1'])
            oracle.record(one.key, one.action)
          } else if (one.step === 'watermark') {
            // A watermark that is not above the last tells nothing.
            const isHigher = one.by > 0
            time += one.by
            expect(values(flow.push(watermark(time)))).toEqual(isHigher ? oracle.fire('eventTime', time) : [])
          } else {
            now += one.by
            seen.push(values(flow.push(pulse(now))))
            wanted.push(oracle.fire('processingTime', now))
          }
        }
        expect(seen).toEqual(wanted)
        expect(flow.effects.flatMap(({ refused }) => refused)).toHaveLength(oracle.refused)
      }),
      runs,
    )
  },
  propertyMsMax,
)
