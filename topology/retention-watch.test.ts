import { Registry } from 'prom-client'
import { expect, it } from 'vitest'
import type { Broker, OffsetRange } from '../ports/broker.ts'
import { createEngineMetrics } from './engine-metrics.ts'
import { createRetentionWatch, retentionLookMs } from './retention-watch.ts'
import type { Runner } from './stage.ts'
import { systemClock } from './system-clock.ts'

it('tells once when held records stand in the older half of a log that deletes', async () => {
  let now = 0
  let range: OffsetRange = { earliest: 0, latest: 1000 }
  let looks = 0
  const held = { heldFrom: 100 as number | undefined }
  const registry = new Registry()
  const broker = {
    admin: {
      async offsets() {
        looks += 1
        return new Map([[1, range]])
      },
    },
  } as unknown as Broker
  const watch = createRetentionWatch({
    ...{ topic: 'ticks', broker, metrics: createEngineMetrics(registry), log: () => undefined },
    clock: { ...systemClock, monotonic: () => now },
    ownership: { runners: new Map([[1, held as Runner<unknown>]]) },
  })
  const look = async (changes: { readonly range?: OffsetRange; readonly heldFrom?: number | undefined }) => {
    if (changes.range !== undefined) range = changes.range
    if ('heldFrom' in changes) held.heldFrom = changes.heldFrom
    now += retentionLookMs
    await watch()
    const text = await registry.getSingleMetricAsString('redwick_alarms_total')
    return Number(/held_near_retention"\} (\d+)/.exec(text)?.[1] ?? 0)
  }
  expect(await look({})).toBe(0) // nothing was deleted yet
  expect(await look({ range: { earliest: 50, latest: 1000 } })).toBe(1)
  expect(await look({})).toBe(1)
  expect(await look({ heldFrom: 900 })).toBe(1)
  expect(await look({ heldFrom: 200 })).toBe(2)
  const before = looks
  expect(await look({ heldFrom: undefined })).toBe(2)
  expect(looks).toBe(before)
  held.heldFrom = 60
  await watch()
  await watch()
  expect(looks).toBe(before + 1)
})
