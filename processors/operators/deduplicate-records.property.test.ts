import fc from 'fast-check'
import { expect, it } from 'vitest'
import { propertyMsMax, propertyRuns } from '../../test/property-runs.ts'
import { record, watermark } from '../../topology/testing/elements.ts'
import { driveFlow } from '../../topology/testing/flow-driver.ts'
import { createByteReader, createByteWriter } from '../core/byte-buffer.ts'
import { createSeenIds, type EventId, type SeenIds } from '../core/seen-ids.ts'
import { deduplicate } from './deduplicate.ts'

const runs = propertyRuns(200)

const came = fc.record({
  step: fc.constant('record' as const),
  key: fc.constantFrom('a', 'b'),
  id: fc.oneof(fc.integer({ min: 0, max: 6 }), fc.constantFrom('0', '1', 'x')),
  eventTime: fc.integer({ min: -5, max: 60 }),
})
const moved = fc.record({ step: fc.constant('watermark' as const), by: fc.integer({ min: 0, max: 12 }) })
const written = fc.record({ step: fc.constant('restart' as const), full: fc.boolean() })
const steps = fc.array(
  fc.oneof({ weight: 6, arbitrary: came }, { weight: 2, arbitrary: moved }, { weight: 2, arbitrary: written }),
  { maxLength: 70, size: '+1' },
)

/** Remembers everything, and looks at all of it. */
function createOracle(withinMs: number, idsMax: number) {
  let seen: { readonly key: string; readonly id: EventId; readonly eventTime: number }[] = []
  let now = Number.NEGATIVE_INFINITY
  return {
    add(key: string, id: EventId, eventTime: number): boolean {
      if (seen.some((one) => one.key === key && one.id === id)) return false
      if (now >= eventTime + withinMs) return true
      seen.push({ key, id, eventTime })
      const own = seen.filter((one) => one.key === key)
      if (own.length > idsMax) seen = seen.filter((one) => one !== own[0])
      return true
    },
    advance(to: number): void {
      now = Math.max(now, to)
      seen = seen.filter(({ eventTime }) => eventTime + withinMs > now)
    },
  }
}

it(
  'deduplication is that of an oracle, over restarts, and leaves no state',
  () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 30 }), steps, (within, list) => {
        const flow = driveFlow(deduplicate('d', { by: (id: EventId) => id, within }))
        const empty = flow.state().get('d')?.length
        const oracle = createOracle(within, Number.POSITIVE_INFINITY)
        const seen: number[] = []
        const wanted: number[] = []
        let time = -10
        flow.restart()
        for (const one of list) {
          if (one.step === 'restart') flow.restart(one)
          else if (one.step === 'watermark') {
            time += one.by
            flow.push(watermark(time))
            oracle.advance(time)
          } else {
            const out = flow.push(record(one.key, one.eventTime, one.id, 1))
            seen.push(out.length)
            wanted.push(oracle.add(one.key, one.id, one.eventTime) ? 1 : 0)
          }
        }
        flow.push(watermark(1000))
        expect(seen).toEqual(wanted)
        expect(flow.state().get('d')?.length).toBe(empty)
      }),
      runs,
    )
  },
  propertyMsMax,
)

it(
  'where a key has more ids than it may, the first that came is forgotten, over restarts too',
  () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 30 }), fc.integer({ min: 1, max: 4 }), steps, (withinMs, idsMax, list) => {
        let evictions = 0
        const create = (): SeenIds => createSeenIds({ withinMs, idsMax, onEvicted: () => (evictions += 1) })
        let ids = create()
        let images: Uint8Array[] = []
        const oracle = createOracle(withinMs, idsMax)
        const seen: boolean[] = []
        const wanted: boolean[] = []
        let time = -10
        for (const one of list) {
          if (one.step === 'restart') {
            const writer = createByteWriter()
            const full = one.full || images.length === 0
            ids.write(writer, full)
            images = full ? [writer.finish()] : [...images, writer.finish()]
            const { size } = ids
            ids = create()
            for (const image of images) ids.read(createByteReader(image))
            seen.push(ids.size === size)
            wanted.push(true)
          } else if (one.step === 'watermark') {
            time += one.by
            ids.advance(time)
            oracle.advance(time)
          } else {
            seen.push(ids.add(one.key, one.id, one.eventTime))
            wanted.push(oracle.add(one.key, one.id, one.eventTime))
          }
        }
        expect(seen).toEqual(wanted)
        expect(ids.size).toBeLessThanOrEqual(2 * idsMax)
        expect(evictions).toBeLessThanOrEqual(list.length)
      }),
      runs,
    )
  },
  propertyMsMax,
)
