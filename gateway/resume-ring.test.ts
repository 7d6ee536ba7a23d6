import fc from 'fast-check'
import { expect, it } from 'vitest'
import { createResumeRing } from './resume-ring.ts'

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
