import { Registry } from 'prom-client'
import { expect, it } from 'vitest'
import { FencedError, TransientError } from '../schemas/errors.ts'
import { createMemoryStore } from '../test/memory-store.ts'
import { createCheckpointer } from './checkpointer.ts'
import { createEngineMetrics } from './engine-metrics.ts'
import type { Isolation } from './isolation.ts'
import type { Ownership } from './ownership.ts'
import type { PreparedCommit, Runner, StageOutput } from './stage.ts'

/** Partitions 0 and 1 with nothing to commit, both under epoch 5, and a clock that is set by hand. */
function idle(positions: () => Promise<readonly { partition: number; epoch: number }[]>) {
  const recovered: { partitions: readonly number[]; error: unknown }[] = []
  const runner = (partition: number) => ({ partition, epoch: 5, hasNews: false }) as Runner<never, PreparedCommit>
  const ownership: Partial<Ownership<never, PreparedCommit>> = {
    runners: new Map([0, 1].map((partition) => [partition, runner(partition)])),
    recover: async (partitions, error) => void recovered.push({ partitions, error }),
  }
  const at = { ms: 0 }
  const checkpointer = createCheckpointer({
    ...{ name: 't', topic: 'ticks', log: () => undefined, metrics: createEngineMetrics(new Registry()) },
    broker: { sync: async () => undefined, retainFrom: () => undefined, admin: {} as never },
    store: {
      ...createMemoryStore(() => 'ok'),
      positions: async () => (await positions()).map((one) => ({ ...one, nextOffset: 0, commitNo: 0 })),
    },
    clock: { now: () => at.ms, monotonic: () => at.ms, sleep: async () => undefined, every: () => () => undefined },
    ownership: ownership as Ownership<never, PreparedCommit>,
    isolation: {} as Isolation<never, PreparedCommit>,
    output: {} as StageOutput<never>,
    subscription: () => undefined,
  })
  return { checkpointer, at, recovered }
}

it('an owner with nothing to commit hears within seconds that another one has followed', async () => {
  const { checkpointer, at, recovered } = idle(async () => [
    { partition: 0, epoch: 5 },
    { partition: 1, epoch: 6 },
    { partition: 2, epoch: 9 },
  ])
  await checkpointer.run()
  expect(recovered).toEqual([])
  at.ms = 5_000
  await checkpointer.run()
  expect(recovered).toEqual([{ partitions: [1], error: expect.any(FencedError) as unknown }])
})

it('a store that does not say who owns what is asked again later', async () => {
  let isDown = true
  const { checkpointer, at, recovered } = idle(async () => {
    if (isDown) throw new TransientError({ code: 'STORE_UNREACHABLE', message: 'down' })
    return [{ partition: 0, epoch: 6 }]
  })
  at.ms = 5_000
  await checkpointer.run()
  expect(recovered).toEqual([])
  isDown = false
  at.ms = 9_999
  await checkpointer.run()
  expect(recovered).toEqual([])
  at.ms = 10_000
  await checkpointer.run()
  expect(recovered).toHaveLength(1)
})
