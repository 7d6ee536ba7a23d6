import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createEmbeddedBroker } from '../broker/embedded/embedded-broker.ts'
import type { Broker } from '../ports/broker.ts'
import type { CandleStore, Repartition } from '../ports/candle-store.ts'
import { topicNames } from '../schemas/topics.ts'
import { repartition } from './repartition.ts'
import { systemClock } from './system-clock.ts'
import { ensureTopics } from './topics.ts'

const topics = topicNames('')

describe('more partitions', () => {
  let broker: Broker
  const changes: Repartition[] = []
  beforeEach(async () => {
    changes.length = 0
    broker = createEmbeddedBroker({ clock: systemClock })
    await ensureTopics(broker, topics, 2)
    const producer = await broker.createProducer()
    const value = new Uint8Array(1)
    await producer.send(
      topics.ticks,
      [1, 1, 0].map((partition) => ({ partition, key: null, value })),
    )
    await producer.close()
  })
  afterEach(() => broker.close())

  /** A store that knows so many partitions, and stands there. */
  const run = (to: number, { known = 2, stands = [1, 2] }: { known?: number; stands?: readonly number[] } = {}) => {
    const store = {
      committedTopics: async () => [{ topic: topics.ticks, topicId: null, partitions: known }],
      positions: async () => stands.map((nextOffset, partition) => ({ partition, nextOffset, epoch: 1, commitNo: 1 })),
      repartition: async (_: string, change: Repartition) => void changes.push(change),
    } as unknown as CandleStore
    return repartition({ broker, store, topics, topology: 'candles' }, to)
  }
  const counts = async (): Promise<unknown> =>
    Promise.all(Object.values(topics).map(async (topic) => (await broker.admin.describeTopic(topic))?.partitions))
  const all = (count: number): readonly number[] => Object.values(topics).map(() => count)

  it('come to the store first, with the ends of the log, then to every topic', async () => {
    expect(await run(6)).toEqual({ from: 2, to: 6 })
    expect(changes).toEqual([
      {
        topic: topics.ticks,
        from: 2,
        to: 6,
        offsets: new Map([
          [0, 1],
          [1, 2],
        ]),
      },
    ])
    expect(await counts()).toEqual(all(6))
  })

  it('come to the topics where an earlier run was cut off behind the store', async () => {
    expect(await run(4, { known: 4 })).toEqual({ from: 4, to: 4 })
    expect(changes).toEqual([])
    expect(await counts()).toEqual(all(4))
  })

  it('are taken up where ticks was given them by hand', async () => {
    await broker.admin.growTopic(topics.ticks, 4)
    await run(4)
    expect(changes).toMatchObject([{ from: 2, to: 4 }])
    expect(await counts()).toEqual(all(4))
  })

  it.each([
    ['not all is committed', 4, { stands: [1, 1] }, /partition 1 stands at 1 of 2$/],
    ['nothing is committed of a partition', 4, { stands: [1] }, /partition 1 stands at 0 of 2$/],
    ['it is no multiple', 3, {}, /3 is no multiple of 2/],
    ['it is less', 2, { known: 4 }, /2 is no multiple of 4/],
  ])('are refused where %s, and nothing is changed', async (_, to, given, why) => {
    await expect(run(to, given)).rejects.toMatchObject({
      ...{ code: 'NOT_REPARTITIONED', exitCode: 78 },
      why: expect.stringMatching(why) as unknown,
    })
    expect([changes, await counts()]).toEqual([[], all(2)])
  })

  it('are refused where ticks has still more', async () => {
    await broker.admin.growTopic(topics.ticks, 8)
    await expect(run(4)).rejects.toMatchObject({
      code: 'NOT_REPARTITIONED',
      why: expect.stringMatching(/has 8 /) as unknown,
    })
    expect(changes).toEqual([])
  })
})
