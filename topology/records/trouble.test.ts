import { Registry } from 'prom-client'
import { expect, it } from 'vitest'
import { createEmbeddedBroker } from '../../broker/embedded/embedded-broker.ts'
import type { StoredRecord } from '../../ports/broker.ts'
import { countEvents } from '../../processors/core/windows/aggregate.ts'
import { aggregate } from '../../processors/operators/aggregate.ts'
import { keyBy } from '../../processors/operators/key-by.ts'
import { map } from '../../processors/operators/map.ts'
import { rollUp } from '../../processors/operators/roll-up.ts'
import { sideOutput, sideTag } from '../../processors/operators/side-output.ts'
import { tumblingWindows } from '../../processors/operators/windows.ts'
import { createEmbeddedRegistry } from '../../registry/embedded-registry.ts'
import { createMemoryStore } from '../../test/memory-store.ts'
import { settled } from '../engine-host.ts'
import { createEngineMetrics } from '../engine-metrics.ts'
import { topic } from '../sources.ts'
import { systemClock } from '../system-clock.ts'
import { topology } from '../topology.ts'
import type { RecordTopology } from './declaration.ts'
import { ensureTopic, openTopology, type RecordPlatform } from './open-topology.ts'
import { createRecordPublisher } from './record-publisher.ts'
import { fromSide, toCallback, toTable, toTopic } from './sinks.ts'

const clickAvro = {
  type: 'record',
  name: 'Click',
  fields: [
    { name: 'user', type: 'string' },
    { name: 'at', type: ['null', 'long'] },
    { name: 'size', type: 'long' },
  ],
} as const
interface Click {
  readonly user: string
  readonly at: number | null
  readonly size: number
}

const textAvro = { type: 'record', name: 'Text', fields: [{ name: 'text', type: 'string' }] } as const
const clicks = topology('clicks', {
  source: topic('clicks', { schema: clickAvro, key: 'user', eventTime: 'at' }),
  watermark: { outOfOrderness: 0, idleAfter: '1h', futureBound: '60s' },
})
const deadLetters = 't.redwick.clicks.dead-letters'
const limits = { commitEveryMs: 3, commitEveryMsMax: 20, retryMsMin: 1, retryMsMax: 5, fencedWaitMs: 5 }
const click = (user: string, at: number | null, size = 1): Click => ({ user, at, size })

async function world(options: { readonly partitions?: number } = {}) {
  const store = createMemoryStore(() => 'ok')
  const platform: RecordPlatform = {
    ...{ broker: createEmbeddedBroker({ clock: systemClock }), registry: await createEmbeddedRegistry(), store },
    ...{ clock: systemClock, log: () => undefined, prefix: 't.' },
  }
  const { broker } = platform
  const publisher = await createRecordPublisher(platform, {
    topic: 'clicks',
    partitions: options.partitions ?? 1,
    schema: clickAvro,
    key: ({ user }) => user,
  })
  return {
    ...{ platform, store },
    /** Runs a topology until it has committed all of these. */
    async run(declared: RecordTopology, given: readonly Click[], until: () => boolean = () => true) {
      const stages = await openTopology({
        ...{ ...platform, topology: declared, metricsOf: () => createEngineMetrics(new Registry()), limits },
      })
      try {
        for (const { engine } of stages) await engine.start()
        await publisher.send(given)
        for (const { topic: read, engine } of stages) {
          await Promise.race([
            settled([engine], { admin: broker.admin, topic: read }, systemClock, AbortSignal.timeout(30_000)),
            engine.failed,
          ])
        }
        for (let waits = 0; !until() && waits < 100; waits++) await systemClock.sleep(20)
      } finally {
        for (const { engine } of stages) await engine.stop()
      }
    },
    async read(name: string): Promise<StoredRecord[]> {
      const ends = await broker.admin.offsets(name)
      const all: StoredRecord[] = []
      const count = [...ends.values()].reduce((sum, { latest }) => sum + latest, 0)
      const from = new Map([...ends.keys()].map((partition) => [partition, 0]))
      const reader = await broker.read({
        ...{ topic: name, from, onError: () => undefined },
        onRecords: async (_partition, records) => void all.push(...records),
      })
      for (let waits = 0; all.length < count && waits < 100; waits++) await systemClock.sleep(5)
      await reader.close()
      return all
    },
    close: () => broker.close(),
  }
}

const textTopic = (name: string, text: (value: Click) => string) =>
  toTopic(name, { schema: textAvro, value: (value: Click) => ({ text: text(value) }) })

it('a record too large for a topic is a dead letter, and the others go on', async () => {
  const one = await world()
  const sized = clicks.to(textTopic('sized', ({ size }) => 'x'.repeat(size)))
  await one.run(sized, [click('a', 1), click('a', 2, 1_048_577), click('a', 3, 999_900)])
  expect(await one.read('t.sized')).toHaveLength(2)
  expect(one.store.letters).toMatchObject([{ offset: 1, reason: 'USER_ERROR' }])
  await one.close()
})

it('a record too large for an internal topic is a dead letter, and the others go on', async () => {
  const one = await world()
  const heard: string[] = []
  const sized = clicks
    .pipe(
      map(({ user, size }) => ({ user, text: 'x'.repeat(size) })),
      keyBy('sized', { key: ({ user }) => user }),
    )
    .to(toCallback('hear', ({ value }) => void heard.push(value.user)))
  await one.run(sized, [click('a', 1), click('b', 2, 1_048_577), click('c', 3)], () => heard.length === 2)
  expect(heard).toEqual(['a', 'c'])
  expect(one.store.letters).toMatchObject([{ offset: 1, reason: 'USER_ERROR' }])
  await one.close()
})

it('a commit that owes more than one append may hold is published all the same', async () => {
  const one = await world()
  const sized = clicks.to(textTopic('sized', ({ size }) => 'x'.repeat(size)))
  const count = 3500
  await one.run(
    sized,
    Array.from({ length: count }, (_, at) => click('a', at, 20_000)),
  )
  const ends = await one.platform.broker.admin.offsets('t.sized')
  expect(ends.get(0)?.latest).toBe(count)
  await one.close()
})

it('each window that a table refuses is a dead letter of its own', async () => {
  const one = await world()
  const counted = clicks
    .pipe(aggregate('count', { window: tumblingWindows(10), allowedLateness: 0, aggregate: countEvents }))
    .to(
      toTable('counts', {
        columns: { user_id: 'text', count: 'int8' },
        key: ['user_id'],
        row: ({ value }, { key }) => ({ user_id: key, count: key === 'ok' ? value : value + 0.5 }),
      }),
    )
  await one.run(counted, [click('a', 1), click('b', 2), click('ok', 3), click('z', 20)])
  expect(one.store.letters.map(({ symbol }) => symbol)).toEqual(['a', 'b'])
  expect(new Set(one.store.letters.map(({ source }) => source)).size).toBe(2)
  expect(await one.store.rows('counts', { limit: 10 })).toEqual([{ user_id: 'ok', count: 1 }])
  await one.close()
})

it('dead letters reach a topic that has fewer partitions than the stage', async () => {
  const one = await world({ partitions: 3 })
  await ensureTopic(one.platform.broker, deadLetters, 1)
  const refusing = clicks
    .pipe(
      map((): Click => {
        throw new Error('no')
      }),
    )
    .to()
  await one.run(
    refusing,
    ['a', 'b', 'c', 'd', 'e', 'f'].map((user) => click(user, 1)),
  )
  expect(one.store.letters).toHaveLength(6)
  expect(new Set(one.store.letters.map(({ partition }) => partition)).size).toBe(3)
  expect(await one.read(deadLetters)).toHaveLength(6)
  await one.close()
})

it('the main stream and a side output write to one topic, each its own values', async () => {
  const one = await world()
  const large = sideTag<Click>('large')
  const split = clicks.pipe(sideOutput(large, ({ size }) => size > 5)).to(
    textTopic('both', ({ user }) => `small ${user}`),
    ...fromSide(
      large,
      textTopic('both', ({ user }) => `large ${user}`),
    ),
  )
  await one.run(split, [click('a', 1), click('b', 2, 9)])
  const texts = (await one.read('t.both')).map(({ value }) => Buffer.from(value ?? []).toString())
  expect(texts.map((text) => /(small|large) ./.exec(text)?.[0])).toEqual(['small a', 'large b'])
  await one.close()
})

it('a callback hears updates of parents of which no child is final', async () => {
  const one = await world()
  const heard: number[] = []
  const rolled = clicks
    .pipe(
      aggregate('tens', { window: tumblingWindows(10), allowedLateness: 0, aggregate: countEvents, emitEvery: 1 }),
      rollUp<number>('hundreds', { size: 100, merge: (a, b) => a + b, allowedLateness: 0, emitEvery: 1 }),
    )
    .to(toCallback('hear', ({ value }) => void heard.push(value.value)))
  await one.run(rolled, [click('a', 1), click('a', 2)], () => heard.length > 0)
  expect(heard.at(-1)).toBe(2)
  expect(one.store.letters).toEqual([])
  await one.close()
})

it('an event time of null is refused, and is not 1970', async () => {
  const one = await world()
  await one.run(clicks.to(), [click('a', null)])
  expect(one.store.letters).toMatchObject([{ reason: 'BAD_TIME' }])
  await one.close()
})
