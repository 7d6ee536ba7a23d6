import { Registry } from 'prom-client'
import { expect, it } from 'vitest'
import type { Clock } from '../ports/clock.ts'
import { FencedError } from '../schemas/errors.ts'
import { createMemoryStore } from '../test/memory-store.ts'
import { createEngineMetrics } from './engine-metrics.ts'
import { createOwnership } from './ownership.ts'
import type { PreparedCommit, Runner, StageOutput } from './stage.ts'
import { systemClock } from './system-clock.ts'

const assigned = new AbortController().signal

const outputOf = (begin: StageOutput<never>['begin']): StageOutput<never> => ({
  begin,
  fence: async () => undefined,
  publish: async () => undefined,
  sync: async () => undefined,
  pulse: () => undefined,
  drop: () => undefined,
  release: async () => undefined,
  close: async () => undefined,
})

const ownershipOf = (output: StageOutput<never>, partitions: number, clock: Clock = systemClock) =>
  createOwnership({
    ...{ name: 't', identity: { topic: 'ticks', topicId: null, partitions }, output, clock },
    ...{ store: createMemoryStore(() => 'ok'), log: () => undefined, metrics: createEngineMetrics(new Registry()) },
    limits: { retryMsMin: 1, retryMsMax: 1, fencedWaitMs: 1, failuresMax: 1 },
    ...{ stopping: new AbortController().signal, subscription: () => undefined, onDropped: () => undefined },
    ...{ onFatal: () => undefined, random: () => 0 },
  })

it('a takeover during which the partition went and came back makes no runner: the next one does', async () => {
  const begun: (() => void)[] = []
  const epochs: number[] = []
  const made: number[] = []
  const output = outputOf(async ({ epoch }) => {
    epochs.push(epoch)
    await new Promise<void>((resolve) => begun.push(resolve))
    return () => {
      made.push(epoch)
      return { partition: 0, epoch } as Runner<never, PreparedCommit>
    }
  })
  const ownership = ownershipOf(output, 1)
  const published = async (): Promise<void> => {
    while (begun.length === 0) await systemClock.sleep(1)
    begun.shift()?.()
  }
  const first = ownership.assign([0], assigned)
  while (begun.length === 0) await systemClock.sleep(1)
  await ownership.revoke([0])
  const second = ownership.assign([0], assigned)
  await published()
  expect(await first).toEqual(new Map())
  await published()
  expect(await second).toEqual(new Map([[0, 0]]))
  expect(epochs).toHaveLength(2)
  expect(made).toEqual(epochs.slice(1))
})

it('a commit that is fenced in one partition keeps the others waiting for nothing', async () => {
  const taken: number[] = []
  const output = outputOf(async ({ partition, epoch }) => {
    taken.push(partition)
    return () => ({ partition, epoch }) as Runner<never, PreparedCommit>
  })
  let wake: () => void = () => undefined
  const sleep = (): Promise<void> =>
    new Promise((resolve) => {
      wake = resolve
    })
  const ownership = ownershipOf(output, 3, { ...systemClock, sleep })
  await ownership.assign([0, 1, 2], assigned)
  await ownership.recover([0, 1, 2], new FencedError({ code: 'FENCED', message: 'partitions 1' }, [1]))
  expect(taken).toEqual([0, 1, 2, 0, 2])
  expect([...ownership.runners.keys()]).toEqual([0, 2])
  wake()
  await expect.poll(() => [...ownership.runners.keys()]).toEqual([0, 2, 1])
})

it('trouble that comes to light during a takeover does not take away what it makes', async () => {
  const told: string[] = []
  let go: () => void = () => undefined
  const output: StageOutput<never> = {
    ...outputOf(async ({ epoch }) => {
      told.push('begins')
      if (told.length > 1) await new Promise<void>((resolve) => (go = resolve))
      return () => ({ partition: 0, epoch }) as Runner<never, PreparedCommit>
    }),
    drop: () => void told.push('drops'),
  }
  const ownership = ownershipOf(output, 1)
  await ownership.assign([0], assigned)
  const again = ownership.assign([0], assigned)
  await expect.poll(() => told).toEqual(['begins', 'drops', 'begins'])
  await ownership.recover([0], new FencedError({ code: 'FENCED', message: 'partitions 0' }))
  go()
  await again
  expect(told).toEqual(['begins', 'drops', 'begins'])
  expect(ownership.runners.size).toBe(1)
})

it('a takeover that another owner undoes again and again ends when the group takes the partition away', async () => {
  const assignment = new AbortController()
  let tries = 0
  const output = outputOf(async () => {
    tries += 1
    if (tries === 3) assignment.abort()
    throw new FencedError({ code: 'PRODUCER_FENCED', message: 'a later producer exists' })
  })
  expect(await ownershipOf(output, 2).assign([0, 1], assignment.signal)).toEqual(new Map())
  expect(tries).toBe(3)
})
