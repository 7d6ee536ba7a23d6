import { Registry } from 'prom-client'
import { expect, it } from 'vitest'
import type { BatchHandler, Broker, SubscribeOptions } from '../ports/broker.ts'
import { createConservation } from '../processors/core/effects.ts'
import type { SourceBatch } from '../schemas/batch-decoder.ts'
import { createMemoryStore } from '../test/memory-store.ts'
import { createEngine } from './engine.ts'
import { createEngineMetrics } from './engine-metrics.ts'
import type { PreparedCommit, Runner, Stage } from './stage.ts'
import { systemClock } from './system-clock.ts'

type Batch = SourceBatch & { readonly isAsking: boolean }

const batchOf = (baseOffset: number, isAsking: boolean) =>
  ({ partition: 0, baseOffset, nextOffset: baseOffset + 1, isAsking }) as Batch

/** A partition that counts what it processed; a batch that asks waits until all before it is committed. */
function runnerOf(processed: number[]): Runner<Batch> {
  let nextOffset = 0
  return {
    ...{ partition: 0, epoch: 1, pending: 0 },
    get hasNews() {
      return processed.length > 0
    },
    get nextOffset() {
      return nextOffset
    },
    enrich: (batch) => (batch.isAsking ? async () => batch : undefined),
    process(batch) {
      processed.push(batch.baseOffset)
      ;({ nextOffset } = batch)
    },
    prepare: () =>
      ({
        commit: { partition: 0, epoch: 1, commitNo: 1, nextOffset, candles: { length: 0 } },
        ...{ deadLetters: [], counts: createConservation() },
      }) as unknown as PreparedCommit,
  }
}

it('a stop that comes while it is given a partition takes nothing behind a batch that it leaves', async () => {
  const processed: number[] = []
  let handler: BatchHandler<Batch> | undefined
  let letGo: () => void = () => undefined
  const takenOver = new Promise<void>((resolve) => {
    letGo = resolve
  })
  const broker = {
    admin: { describeTopic: async () => ({ topicId: null, partitions: 1 }) },
    async subscribe(options: SubscribeOptions<Batch>) {
      ;({ handler } = options)
      return {
        ...{ pause: () => undefined, resume: () => undefined, seek: () => undefined },
        ...{ commitOffsets: async () => undefined, close: async () => undefined },
      }
    },
    ...{ sync: async () => undefined, retainFrom: () => undefined },
  } as unknown as Broker
  let isBegun = false
  const stage: Stage<Batch> = {
    ...{ name: 't', topic: 'ticks', groupId: 'g', decoder: {} as never, pulseEveryMs: 1_000 },
    open: async () => ({
      async begin() {
        isBegun = true
        await takenOver
        return () => runnerOf(processed)
      },
      ...{ fence: async () => undefined, publish: async () => undefined, sync: async () => undefined },
      ...{
        pulse: () => undefined,
        drop: () => undefined,
        release: async () => undefined,
        close: async () => undefined,
      },
    }),
  }
  const metrics = createEngineMetrics(new Registry())
  const store = createMemoryStore(() => 'ok')
  const engine = createEngine({ stage, broker, store, clock: systemClock, log: () => undefined, metrics })
  await engine.start()
  const given = handler?.assigned([0], new AbortController().signal)
  while (!isBegun) await systemClock.sleep(1)
  const stopped = engine.stop()
  letGo()
  expect(await given).toEqual(new Map([[0, 0]]))
  await handler?.batch(batchOf(0, true))
  await handler?.batch(batchOf(1, false))
  expect(processed).toEqual([])
  await stopped
})
