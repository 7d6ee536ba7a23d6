import kafkajs, { type Admin as KafkaAdmin } from 'kafkajs'
import type { Admin, OffsetRange } from '../../ports/broker.ts'
import type { Clock } from '../../ports/clock.ts'
import { TransientError } from '../../schemas/errors.ts'
import { unknownTopic } from '../broker-errors.ts'
import { brokerError, hasType } from './kafka-errors.ts'

// A CommonJS package: Node sees only some of its exports by name.
const { ConfigResourceTypes } = kafkajs

const triesMax = 20
const retryMs = 200
const pollMs = 50
const pollsMax = 200

/** What the other parts of the adapter need beyond the port. */
export interface KafkaAdminPort extends Admin {
  /** @throws {FatalError} `UNKNOWN_TOPIC`. */
  partitionCount(topic: string): Promise<number>
  offsetsAt(topic: string, timestampMs: number): Promise<ReadonlyMap<number, number>>
  deleteGroup(groupId: string): Promise<void>
  close(): Promise<void>
}

interface AdminOptions {
  readonly admin: KafkaAdmin
  readonly brokers: readonly string[]
  readonly clock: Clock
}

/** Topics and offsets over one connection, made when first needed. */
export function createKafkaAdmin({ admin, brokers, clock }: AdminOptions): KafkaAdminPort {
  let connecting: Promise<void> | undefined
  let lane: Promise<unknown> = Promise.resolve()

  /** Runs `use` on the connected client; errors become ours, what may pass (a coordinator that still loads) after retries. */
  async function alone<Result>(use: () => Promise<Result>): Promise<Result> {
    for (let tries = 1; ; tries++) {
      try {
        connecting ??= admin.connect()
        await connecting
        return await use()
      } catch (error) {
        const trouble = brokerError(error, brokers)
        if (trouble.code === 'BROKER_TROUBLE' && tries < triesMax) await clock.sleep(retryMs)
        else {
          connecting = undefined
          throw trouble
        }
      }
    }
  }

  /** One call at a time: each moves the client's one set of target topics, and pulls it away from under another. */
  function connected<Result>(use: () => Promise<Result>): Promise<Result> {
    const result = lane.then(() => alone(use))
    lane = result.catch(() => undefined)
    return result
  }

  async function exists(topic: string): Promise<boolean> {
    return (await connected(() => admin.listTopics())).includes(topic)
  }

  /** Waits until it is so. @returns Whether it came to that in time. */
  async function comesTo(isSo: () => Promise<boolean>): Promise<boolean> {
    for (let poll = 0; poll < pollsMax; poll++) {
      if (await isSo()) return true
      await clock.sleep(pollMs)
    }
    return false
  }

  /** Of one that is there: asking for the metadata of a missing topic would be retried, and may create it. */
  async function partitionsOf(topic: string): Promise<number> {
    const { topics } = await connected(() => admin.fetchTopicMetadata({ topics: [topic] }))
    return topics[0]?.partitions.length ?? 0
  }

  async function partitionCount(topic: string): Promise<number> {
    if (!(await exists(topic))) throw unknownTopic(topic)
    return partitionsOf(topic)
  }

  return {
    partitionCount,
    async createTopic({ topic, partitions, config = {} }) {
      if (await exists(topic)) return
      const configEntries = Object.entries(config).map(([name, value]) => ({ name, value }))
      const spec = { topic, numPartitions: partitions, configEntries }
      await connected(() => admin.createTopics({ topics: [spec], waitForLeaders: true }))
      // Where another client makes it at this moment, it is there already, and not everybody sees it yet.
      if (!(await comesTo(() => exists(topic))))
        throw new TransientError({ code: 'TOPIC_NOT_THERE', message: `topic '${topic}' was not seen in time` })
    },
    async growTopic(topic, partitions) {
      if ((await partitionCount(topic)) >= partitions) return
      await connected(() => admin.createPartitions({ topicPartitions: [{ topic, count: partitions }] }))
      if (await comesTo(async () => (await partitionCount(topic)) >= partitions)) return
      const message = `topic '${topic}' was not seen with ${partitions} partitions in time`
      throw new TransientError({ code: 'TOPIC_NOT_GROWN', message })
    },
    async describeTopic(topic) {
      if (!(await exists(topic))) return undefined
      const partitions = await partitionsOf(topic)
      const resource = { type: ConfigResourceTypes.TOPIC, name: topic }
      const { resources } = await connected(() =>
        admin.describeConfigs({ resources: [resource], includeSynonyms: false }),
      )
      const entries = resources.flatMap(({ configEntries }) => configEntries)
      const config = Object.fromEntries(entries.map(({ configName, configValue }) => [configName, configValue]))
      return { topic, topicId: null, partitions, config }
    },
    async deleteTopic(topic) {
      if (!(await exists(topic))) throw unknownTopic(topic)
      await connected(() => admin.deleteTopics({ topics: [topic] }))
      if (!(await comesTo(async () => !(await exists(topic)))))
        throw new TransientError({ code: 'TOPIC_STILL_THERE', message: `topic '${topic}' was not deleted in time` })
    },
    async listTopics() {
      const topics = await connected(() => admin.listTopics())
      return topics.filter((topic) => !topic.startsWith('__')).sort()
    },
    async offsets(topic) {
      if (!(await exists(topic))) throw unknownTopic(topic)
      const partitions = await connected(() => admin.fetchTopicOffsets(topic))
      const ranges = partitions.map(({ partition, low, high }): [number, OffsetRange] => [
        partition,
        { earliest: Number(low), latest: Number(high) },
      ])
      return new Map(ranges.sort(([a], [b]) => a - b))
    },
    async groupOffsets(groupId, topic) {
      const found = await connected(() => admin.fetchOffsets({ groupId, topics: [topic] }))
      const stored = found.flatMap(({ partitions }) => partitions).filter(({ offset }) => Number(offset) >= 0)
      return new Map(stored.map(({ partition, offset }) => [partition, Number(offset)]))
    },
    async offsetsAt(topic, timestampMs) {
      const partitions = await connected(() => admin.fetchTopicOffsetsByTimestamp(topic, timestampMs))
      return new Map(partitions.map(({ partition, offset }) => [partition, Number(offset)]))
    },
    async deleteGroup(groupId) {
      await connected(() => admin.deleteGroups([groupId])).catch((error: unknown) => {
        if (!hasType(error, 'GROUP_ID_NOT_FOUND')) throw error
      })
    },
    async close() {
      if (connecting !== undefined) await admin.disconnect()
      connecting = undefined
    },
  }
}
