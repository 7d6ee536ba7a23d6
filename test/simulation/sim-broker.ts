import { brokerClosed } from '../../broker/broker-errors.ts'
import type { Admin, Broker, ReadFrom } from '../../ports/broker.ts'
import { TransientError } from '../../schemas/errors.ts'
import type { SimPartition } from './sim-cluster.ts'
import { createSimSubscription } from './sim-subscription.ts'
import type { SimSurroundings } from './sim-surroundings.ts'

const recordsPerRead = 100

const unreachable = (): TransientError =>
  new TransientError({ code: 'BROKER_UNREACHABLE', message: 'the broker was made to fail' })

function startOf(from: ReadFrom, partition: number, { written, range: { earliest, latest } }: SimPartition): number {
  if (from === 'earliest') return earliest
  if (from === 'latest') return latest
  if ('timestampMs' in from)
    return written.slice(earliest).find(({ appendTime }) => appendTime >= from.timestampMs)?.offset ?? latest
  return from.get(partition) ?? latest
}

/** The brokers as one process sees them. */
export function createSimBroker(options: SimSurroundings): Broker {
  const { cluster, process, time, conditions } = options
  const trip = async <T>(operation: () => T): Promise<T> => {
    await time.sleep(conditions.latencyMs())
    if (!conditions.isBrokerUp) throw unreachable()
    const result = operation()
    await time.sleep(conditions.latencyMs())
    return result
  }
  const send = <T>(label: string, operation: () => T): Promise<T> =>
    process.call(label, () =>
      trip(() => {
        const fate = conditions.sendFate()
        if (fate === 'fails before') throw unreachable()
        const result = operation()
        if (fate === 'answer lost') throw unreachable()
        return result
      }),
    )
  const ask = <T>(label: string, operation: () => T): Promise<T> => process.call(label, () => trip(operation))

  const admin: Admin = {
    createTopic: ({ topic, partitions, config }) =>
      ask('create topic', () => cluster.createTopic(topic, partitions, config)),
    describeTopic: (topic) =>
      ask('describe topic', () => {
        if (!cluster.topics.includes(topic)) return undefined
        const { topicId, partitions, config } = cluster.find(topic)
        return { topic, topicId, partitions: partitions.length, config }
      }),
    growTopic: () => Promise.reject(brokerClosed()),
    deleteTopic: () => Promise.reject(brokerClosed()),
    listTopics: () => ask('list topics', () => cluster.topics),
    offsets: (topic) =>
      ask('offsets', () => new Map(cluster.find(topic).partitions.map(({ range }, partition) => [partition, range]))),
    groupOffsets: async () => new Map(),
  }

  return {
    admin,
    createProducer: async () => ({
      send: (topic, records) => send(`send ${topic}`, () => cluster.append(topic, records)),
      close: async () => undefined,
    }),
    async createTransactionalProducer(id) {
      const term = await ask('fence', () => cluster.fence(id))
      return {
        send: (groups) => send('publish', () => cluster.appendAll(id, term, groups)),
        close: async () => undefined,
      }
    },
    subscribe: (subscribed) => createSimSubscription({ ...options, subscribed }),
    async read({ topic, from, onRecords, onError }) {
      const { partitions } = await ask('read', () => cluster.find(topic))
      let isClosed = false
      const startOffsets = new Map(
        partitions.flatMap((log, partition) =>
          from instanceof Map && !from.has(partition) ? [] : [[partition, startOf(from, partition, log)] as const],
        ),
      )
      const follow = async (partition: number, start: number): Promise<void> => {
        for (let next = start; !isClosed; ) {
          await process.call('fetch', () => time.sleep(1 + conditions.latencyMs()))
          const { written, range } = cluster.partition(topic, partition)
          const some = written.slice(next, Math.min(next + recordsPerRead, range.latest))
          if (some.length === 0) await process.call('fetch', () => time.sleep(200))
          else if (!isClosed && conditions.isBrokerUp) {
            await onRecords(partition, some)
            next += some.length
          }
        }
      }
      for (const [partition, start] of startOffsets) follow(partition, start).catch(onError)
      return {
        startOffsets,
        async close() {
          isClosed = true
        },
      }
    },
    sync: async () => undefined,
    retainFrom: () => undefined,
    ping: () => ask('ping', () => undefined),
    close: async () => undefined,
  }
}
