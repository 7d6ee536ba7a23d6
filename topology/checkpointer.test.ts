import { Registry } from 'prom-client'
import { expect, it } from 'vitest'
import { createConservation } from '../processors/core/effects.ts'
import { FencedError, TransientError } from '../schemas/errors.ts'
import { createMemoryStore } from '../test/memory-store.ts'
import { createCheckpointer } from './checkpointer.ts'
import { createEngineMetrics } from './engine-metrics.ts'
import type { Isolation } from './isolation.ts'
import type { Ownership } from './ownership.ts'
import type { PreparedCommit, Runner, StageOutput } from './stage.ts'

const recoveryMs = 10_000

/** Partitions 0 and 1, both under epoch 5, and a clock that is set by hand. With a way to commit both have news. */
function owner(
  positions: () => Promise<readonly { partition: number; epoch: number }[]>,
  commit?: (at: { ms: number }) => void,
  publish: (partition: number) => Promise<void> = async () => undefined,
) {
  const published: number[] = []
  const recovered: { partitions: readonly number[]; error: unknown }[] = []
  const at = { ms: 0 }
  const prepared = (partition: number) =>
    ({
      commit: { partition, epoch: 5, commitNo: 1, nextOffset: 1, candles: { length: 0 } },
      ...{ deadLetters: [], counts: createConservation() },
    }) as unknown as PreparedCommit
  const runner = (partition: number) =>
    ({
      ...{ partition, epoch: 5, hasNews: commit !== undefined },
      prepare: () => prepared(partition),
    }) as unknown as Runner<never, PreparedCommit>
  const ownership: Partial<Ownership<never, PreparedCommit>> = {
    ...{ runners: new Map([0, 1].map((partition) => [partition, runner(partition)])), committed: new Map() },
    ...{ ackedThrough: () => 0, published: (partition: number) => void published.push(partition) },
    async recover(partitions, error) {
      recovered.push({ partitions, error })
      at.ms += recoveryMs
    },
  }
  const checkpointer = createCheckpointer({
    ...{ name: 't', topic: 'ticks', log: () => undefined, metrics: createEngineMetrics(new Registry()) },
    broker: { sync: async () => undefined, retainFrom: () => undefined, admin: {} as never },
    store: {
      ...createMemoryStore(() => 'ok'),
      positions: async () => (await positions()).map((one) => ({ ...one, nextOffset: 0, commitNo: 0 })),
      commit: async () => commit?.(at),
    },
    clock: { now: () => at.ms, monotonic: () => at.ms, sleep: async () => undefined, every: () => () => undefined },
    ownership: ownership as Ownership<never, PreparedCommit>,
    isolation: {} as Isolation<never, PreparedCommit>,
    output: {
      publish: ({ commit: { partition } }: PreparedCommit) => publish(partition),
      sync: async () => undefined,
    } as unknown as StageOutput<never>,
    subscription: () => undefined,
  })
  return { checkpointer, at, recovered, published }
}

it('an owner with nothing to commit hears within seconds that another one has followed', async () => {
  const { checkpointer, at, recovered } = owner(async () => [
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
  const { checkpointer, at, recovered } = owner(async () => {
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

it('tells how long a commit took, for the next to wait as long; a recovery is none', async () => {
  let isDown = false
  const { checkpointer, recovered } = owner(
    async () => [],
    (at) => {
      if (isDown) throw new TransientError({ code: 'STORE_UNREACHABLE', message: 'down' })
      at.ms += 40
    },
  )
  expect(await checkpointer.run()).toBe(40)
  isDown = true
  expect(await checkpointer.run()).toBe(undefined)
  expect(recovered).toHaveLength(1)
})

it('a partition that cannot publish what it committed costs itself, not the others', async () => {
  const refused = new TransientError({ code: 'BROKER_TROUBLE', message: 'no' })
  const { checkpointer, recovered, published } = owner(
    async () => [],
    () => undefined,
    (partition) => (partition === 0 ? Promise.reject(refused) : Promise.resolve()),
  )
  expect(await checkpointer.run()).toBe(undefined)
  expect(published).toEqual([1])
  expect(recovered).toEqual([{ partitions: [0], error: refused }])
})
