import fc from 'fast-check'
import { expect, it, vi } from 'vitest'
import type { Tick } from '../schemas/tick.ts'
import { createLogRig, heartbeat, minute, t0, tick, topics } from '../test/log-rig.ts'
import { propertyMsMax, propertyRuns } from '../test/property-runs.ts'

it(
  'a replay of the newest time reads a part of the log, and gives the candles that all of it gave',
  async () => {
    const live = fc.array(
      fc.record({
        symbol: fc.constantFrom('A', 'B', 'C'),
        step: fc.integer({ min: 0, max: 40_000 }),
        delay: fc.oneof(
          { weight: 5, arbitrary: fc.integer({ min: -50_000, max: 3000 }) },
          fc.integer({ min: 0, max: 300_000 }),
        ),
        isAgain: fc.integer({ min: 0, max: 9 }).map((n) => n === 0),
        history: fc.option(
          fc.record({
            ...{ from: fc.integer({ min: -30, max: 0 }), buckets: fc.integer({ min: 1, max: 8 }) },
            prices: fc.array(fc.integer({ min: 1, max: 200 }), { maxLength: 6 }),
          }),
          { freq: 60 },
        ),
      }),
      { minLength: 80, maxLength: 160 },
    )
    await fc.assert(
      fc.asyncProperty(live, fc.integer({ min: 1, max: 20 }), async (drawn, minutes) => {
        const { write, commit, history, plan } = await createLogRig({ partitions: 2 })
        let at = t0
        let covered = t0
        const written: Tick[] = []
        for (const [i, { symbol, step, delay, isAgain, history: brought }] of drawn.entries()) {
          at += step
          const again = isAgain ? written.at(-1 - (i % 5)) : undefined
          const one = again ?? tick(at - delay, i + 1, { symbol })
          written.push(one)
          await write(at, one)
          if (brought !== null) {
            const from = (Math.floor(at / minute) + brought.from) * minute
            await history(at, symbol, from, from + brought.buckets * minute, brought.prices)
          }
          if (i % 5 !== 0) continue
          await write(at, heartbeat(covered, at))
          covered = at
        }
        await commit()
        const whole = await plan(24 * 60 * minute)
        fc.pre(whole !== undefined)
        const part = await plan(minutes * minute)
        expect(whole).toMatchObject({ changed: 0, candles: [] })
        expect(part).toMatchObject({ changed: 0, candles: [] })
        expect(part?.records).toBeLessThanOrEqual(whole?.records ?? 0)
      }),
      propertyRuns(8),
    )
  },
  propertyMsMax,
)

it('a replay of the newest time reads of history what was appended since', async () => {
  const { broker, write, commit, history, plan } = await createLogRig()
  await write(t0, tick(t0, 1))
  await history(t0 + minute, 'A', t0 - 9 * minute, t0 - 8 * minute, [1])
  for (let n = 60; n < 70; n++) await write(t0 + n * minute, tick(t0 + n * minute, n))
  await history(t0 + 70 * minute, 'A', t0 + 62 * minute, t0 + 63 * minute, [2, 3])
  await history(t0 + 71 * minute, 'A', t0 + 64 * minute, t0 + 65 * minute, [4])
  await commit()
  const read = vi.spyOn(broker, 'read')
  expect(await plan(10 * minute)).toMatchObject({ changed: 0, records: 12, recordsHeld: 14, lostHistory: 0 })
  const froms = read.mock.calls.flatMap(([{ topic, from }]) => (topic === topics.history ? [from] : []))
  expect(froms).toContainEqual(new Map([[0, 1]]))
  expect(froms).not.toContainEqual(new Map([[0, 0]]))
})

it('a replay says which markers may stand for what retention took', async () => {
  const { broker, write, commit, history, plan } = await createLogRig({ segmentBytes: 128, retentionMs: minute })
  await write(t0, tick(t0, 1))
  for (let n = 1; n < 4; n++) await history(t0 + n * minute, 'A', t0 - n * minute, t0 - (n - 1) * minute, [n])
  await write(t0 + 10 * minute, tick(t0 + 10 * minute, 2))
  await commit()
  expect(await plan(60 * minute)).toMatchObject({ changed: 0, lostHistory: 0 })
  broker.retainFrom(topics.history, new Map([[0, 2]]))
  broker.retain()
  expect((await broker.admin.offsets(topics.history)).get(0)).toEqual({ earliest: 2, latest: 3 })
  expect(await plan(60 * minute)).toMatchObject({ lostHistory: 3 })
})
