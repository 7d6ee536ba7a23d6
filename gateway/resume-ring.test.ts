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

// Goal: whatever is pushed, replaced and let go, a resume is gapless or refused.
// Method: random pushes of names, each in place of the last of its name or beside it, moves of the clock and evictions,
// against a plain list.
it('a replay is every later emission that none has replaced, or nothing', () => {
  const step = fc.oneof(
    {
      weight: 3,
      arbitrary: fc.record({ kind: fc.constant('push' as const), name: fc.nat(4), replaces: fc.boolean() }),
    },
    fc.record({ kind: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 40 }) }),
    fc.record({ kind: fc.constant('evict' as const) }),
    fc.record({ kind: fc.constant('reset' as const) }),
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300 }), fc.nat({ max: 300 }), (steps, from) => {
      const ring = createResumeRing<{ q: number; name: number }>({ sizeMax: 50, ageMaxMs: 100 })
      let pushed: { q: number; name: number }[] = []
      let [now, e, q] = [0, 1, 0]
      ring.reset(e, q)
      for (const next of steps) {
        if (next.kind === 'push') {
          const entry = { q: ++q, name: next.name }
          const isReplaced = ({ name }: { name: number }): boolean => name === next.name
          // What was let go of is replaced as well: nobody resumes from before it.
          const last = next.replaces ? pushed.findLastIndex(isReplaced) : -1
          if ((pushed[last]?.q ?? 0) > ring.floor) pushed.splice(last, 1)
          pushed.push(entry)
          ring.push(q, now, entry, next.replaces ? isReplaced : undefined)
        }
        if (next.kind === 'wait') {
          now += next.ms
          ring.expire(now)
        }
        if (next.kind === 'evict') ring.evict()
        if (next.kind === 'reset') {
          q = 0
          pushed = []
          ring.reset(++e, q)
        }
      }
      const { recovered, replay } = ring.since({ e, q: from })
      expect(ring.length).toBeLessThanOrEqual(50)
      expect(recovered).toBe(from >= ring.floor && from <= q)
      if (recovered) expect(replay).toEqual(pushed.filter((entry) => entry.q > from))
    }),
    { numRuns: 300 },
  )
})
