import { Registry } from 'prom-client'
import { expect, it } from 'vitest'
import { createMemoryStore } from '../test/memory-store.ts'
import { createEngineMetrics } from './engine-metrics.ts'
import { createOwnership } from './ownership.ts'
import type { PreparedCommit, Runner, StageOutput } from './stage.ts'
import { systemClock } from './system-clock.ts'

it('a takeover during which the partition went and came back makes no runner: the next one does', async () => {
  const begun: (() => void)[] = []
  const epochs: number[] = []
  const made: number[] = []
  const output: StageOutput<never> = {
    fence: async () => undefined,
    async begin({ epoch }) {
      epochs.push(epoch)
      await new Promise<void>((resolve) => begun.push(resolve))
      return () => {
        made.push(epoch)
        return { partition: 0, epoch } as Runner<never, PreparedCommit>
      }
    },
    publish: async () => undefined,
    sync: async () => undefined,
    pulse: () => undefined,
    drop: () => undefined,
    release: async () => undefined,
    close: async () => undefined,
  }
  const ownership = createOwnership({
    ...{ name: 't', identity: { topic: 'ticks', topicId: null, partitions: 1 }, output, clock: systemClock },
    ...{ store: createMemoryStore(() => 'ok'), log: () => undefined, metrics: createEngineMetrics(new Registry()) },
    limits: { retryMsMin: 1, retryMsMax: 1, fencedWaitMs: 1, failuresMax: 1 },
    ...{ stopping: new AbortController().signal, subscription: () => undefined, onDropped: () => undefined },
    random: () => 0,
  })
  const published = async (): Promise<void> => {
    while (begun.length === 0) await systemClock.sleep(1)
    begun.shift()?.()
  }
  const first = ownership.assign([0])
  while (begun.length === 0) await systemClock.sleep(1)
  await ownership.revoke([0])
  const second = ownership.assign([0])
  await published()
  expect(await first).toEqual(new Map())
  await published()
  expect(await second).toEqual(new Map([[0, 0]]))
  expect(epochs).toHaveLength(2)
  expect(made).toEqual(epochs.slice(1))
})
