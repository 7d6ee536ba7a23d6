import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { z } from 'zod'
import { createResumeRing } from './resume-ring.ts'

const shared = process.env['SHARED_DIR'] ?? join(import.meta.dirname, '../../shared')

const fixture = z.object({
  cases: z.array(
    z.object({
      name: z.string(),
      history_size: z.number(),
      history_ttl_s: z.number(),
      published: z.number(),
      publish_concurrently: z.number().default(0),
      since_offset: z.number(),
      since_epoch: z.string().optional(),
      wait_s: z.number(),
      recovery_limit: z.number(),
      expect: z.object({
        recovered: z.boolean(),
        replayed: z.number().optional(),
        offsets_seen: z.tuple([z.number(), z.number()]).optional(),
      }),
    }),
  ),
})

const cases = fixture.parse(JSON.parse(readFileSync(join(shared, 'fixtures/gateway_recovery.json'), 'utf8'))).cases

it.each(cases)('recovery as others have it: $name', (given) => {
  const ring = createResumeRing<number>({ sizeMax: given.history_size, ageMaxMs: given.history_ttl_s * 1000 })
  ring.reset(1, 0)
  for (let q = 1; q <= given.published; q++) ring.push(q, 0, q)
  ring.expire(given.wait_s * 1000)
  const position = { e: given.since_epoch === undefined ? 1 : 2, q: given.since_offset }
  const { recovered, replay } = ring.since(position, given.recovery_limit)
  expect(recovered).toBe(given.expect.recovered)
  if (given.expect.replayed !== undefined) expect(replay.length).toBe(given.expect.replayed)
  if (given.expect.offsets_seen === undefined) return
  // What is published from here on follows the replay without a gap or a repeat.
  const seen = [...replay]
  for (let q = given.published + 1; q <= given.published + given.publish_concurrently; q++) seen.push(q)
  const [first, last] = given.expect.offsets_seen
  expect(seen).toEqual(Array.from({ length: last - first + 1 }, (_, i) => first + i))
})

it('a position ahead of the ring is not resumed: it is of another log', () => {
  const ring = createResumeRing<number>({ sizeMax: 4, ageMaxMs: 1000 })
  ring.reset(3, 7)
  ring.push(8, 0, 8)
  expect(ring.since({ e: 3, q: 9 })).toEqual({ recovered: false, replay: [] })
  expect(ring.since({ e: 3, q: 7 })).toEqual({ recovered: true, replay: [8] })
  expect(ring.since({ e: 3, q: 6 })).toEqual({ recovered: false, replay: [] })
})

// Goal: whatever is pushed and let go, a resume is gapless or refused.
// Method: random pushes, moves of the clock and evictions against a plain list.
it('a replay is every later emission, or nothing', () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant('push' as const) }),
    fc.record({ kind: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 40 }) }),
    fc.record({ kind: fc.constant('evict' as const) }),
    fc.record({ kind: fc.constant('reset' as const) }),
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300 }), fc.nat({ max: 300 }), (steps, from) => {
      const ring = createResumeRing<number>({ sizeMax: 50, ageMaxMs: 100 })
      let [now, e, q] = [0, 1, 0]
      ring.reset(e, q)
      for (const next of steps) {
        if (next.kind === 'push') ring.push(++q, now, q)
        if (next.kind === 'wait') {
          now += next.ms
          ring.expire(now)
        }
        if (next.kind === 'evict') ring.evict()
        if (next.kind === 'reset') {
          q = 0
          ring.reset(++e, q)
        }
      }
      const { recovered, replay } = ring.since({ e, q: from })
      expect(ring.length).toBeLessThanOrEqual(50)
      expect(recovered).toBe(from >= ring.floor && from <= q)
      if (recovered) expect(replay).toEqual(Array.from({ length: q - from }, (_, i) => from + 1 + i))
    }),
    { numRuns: 300 },
  )
})
