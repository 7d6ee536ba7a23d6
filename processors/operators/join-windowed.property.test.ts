import fc from 'fast-check'
import { expect, it } from 'vitest'
import { propertyMsMax, propertyRuns } from '../../test/property-runs.ts'
import { record, watermark } from '../../topology/testing/elements.ts'
import { driveFlow } from '../../topology/testing/flow-driver.ts'
import { jsonCodec } from '../core/codec.ts'
import type { Flow } from '../core/stream-element.ts'
import type { Tagged } from '../core/tagged.ts'
import { joinWindowed } from './join-windowed.ts'

const runs = propertyRuns(200)

type Sides = Tagged<{ l: number; r: number }>
interface Came {
  readonly step: 'record'
  readonly from: 'l' | 'r'
  readonly key: string
  readonly eventTime: number
}
type Step =
  | Came
  | { readonly step: 'watermark'; readonly by: number }
  | { readonly step: 'restart'; readonly full: boolean }
  | { readonly step: 'crash' }

interface Shape {
  readonly before: number
  readonly after: number
  readonly allowedLateness: number
  readonly kind: 'inner' | 'left'
}

const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.oneof(
    {
      weight: 8,
      arbitrary: fc.record({
        step: fc.constant('record' as const),
        from: fc.constantFrom('l' as const, 'r' as const),
        key: fc.constantFrom('a', 'b'),
        eventTime: fc.integer({ min: -4, max: 20 }),
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({ step: fc.constant('watermark' as const), by: fc.integer({ min: 0, max: 3 }) }),
    },
    { weight: 3, arbitrary: fc.record({ step: fc.constant('restart' as const), full: fc.boolean() }) },
    { weight: 1, arbitrary: fc.record({ step: fc.constant('crash' as const) }) },
  ),
  { maxLength: 80, size: '+1' },
)
const shapes: fc.Arbitrary<Shape> = fc.record({
  before: fc.integer({ min: 0, max: 6 }),
  after: fc.integer({ min: 0, max: 6 }),
  allowedLateness: fc.integer({ min: 0, max: 3 }),
  kind: fc.constantFrom('inner', 'left'),
})

/** Every pair by looking at all; values are places in the list of steps. */
function createOracle({ before, after, allowedLateness, kind }: Shape) {
  const taken: (Came & { readonly place: number })[] = []
  const met = new Set<number>()
  const late: number[] = []
  let now = Number.NEGATIVE_INFINITY
  const byTime = (a: (typeof taken)[number], b: (typeof taken)[number]): number =>
    a.eventTime - b.eventTime || (a.place - b.place) / 1000
  return {
    record(came: Came, place: number): string[] {
      if (now >= came.eventTime + allowedLateness) {
        late.push(place)
        return []
      }
      const own = { ...came, place }
      const partners = taken.filter((other) => {
        const [l, r] = came.from === 'l' ? [own, other] : [other, own]
        const distance = r.eventTime - l.eventTime
        return other.from !== came.from && other.key === came.key && distance >= -before && distance <= after
      })
      taken.push(own)
      return partners.sort(byTime).map((other) => {
        const [l, r] = came.from === 'l' ? [own, other] : [other, own]
        met.add(l.place)
        return `${came.key} ${l.place}+${r.place} @${Math.max(l.eventTime, r.eventTime)}`
      })
    },
    watermark(to: number): string[] {
      const from = now
      now = Math.max(now, to)
      if (kind === 'inner') return []
      return taken
        .filter(({ from: side, eventTime, place }) => {
          const knownAt = eventTime + after + allowedLateness
          return side === 'l' && !met.has(place) && knownAt > from && knownAt <= now
        })
        .sort((a, b) => a.eventTime - b.eventTime || (a.key < b.key ? -1 : a.key > b.key ? 1 : a.place - b.place))
        .map(({ key, place, eventTime }) => `${key} ${place}+ @${eventTime + after + allowedLateness}`)
    },
    late,
  }
}

// Goal: the pairs are those that looking at all of them finds, in the same order, wherever state is written and read.
// Method: records of both sides, late ones among them, and watermarks; restarts from full images and changes; crashes, after
// which what came since the last restart comes again and must give the same.
it(
  'a windowed join is that of an oracle, over restarts and crashes, and leaves no state',
  () => {
    fc.assert(
      fc.property(shapes, steps, (shape, list) => {
        const inputs = {
          left: 'l',
          right: 'r',
          codecs: { left: jsonCodec<number>(), right: jsonCodec<number>() },
        } as const
        const { kind, ...times } = shape
        const select = (l: number, r: number | undefined): string => `${l}+${r ?? ''}`
        const flow = driveFlow<Sides, 'event', string, 'event'>(
          kind === 'inner'
            ? joinWindowed('j', { ...inputs, ...times, select })
            : joinWindowed('j', { ...inputs, ...times, kind, select }),
        )
        const empty = flow.state().get('j')?.length
        const oracle = createOracle(shape)
        // Compared at the end: 200 runs of one comparison each.
        const seen: (readonly string[])[] = []
        const wanted: (readonly string[])[] = []
        let time = -10
        let since: { readonly element: Flow<Sides>; readonly gave: readonly string[] }[] = []
        const push = (element: Flow<Sides>): string[] =>
          flow
            .push(element)
            .flatMap((out) => (out.kind === 'rows' ? [`${out.rows.key} ${out.rows.value} @${out.rows.eventTime}`] : []))
        const give = (element: Flow<Sides>, expected: readonly string[]): void => {
          seen.push(push(element))
          wanted.push(expected)
          since.push({ element, gave: expected })
        }
        flow.restart()
        for (const [place, one] of list.entries()) {
          if (one.step === 'record') {
            const { from, key, eventTime } = one
            give(record<Sides>(key, eventTime, { from, value: place }, place), oracle.record(one, place))
          } else if (one.step === 'watermark') {
            time += one.by
            give(watermark(time), oracle.watermark(time))
          } else if (one.step === 'restart') {
            flow.restart(one)
            since = []
          } else {
            flow.crash()
            for (const { element, gave } of since) {
              seen.push(push(element))
              wanted.push(gave)
            }
          }
        }
        give(watermark(1000), oracle.watermark(1000))
        expect(seen).toEqual(wanted)
        expect(new Set(flow.effects.flatMap(({ refused }) => refused.map(({ offset }) => offset)))).toEqual(
          new Set(oracle.late),
        )
        // Counts of records that came are longer in bytes; nothing else is.
        expect(flow.state().get('j')?.length).toBe(empty)
      }),
      runs,
    )
  },
  propertyMsMax,
)
