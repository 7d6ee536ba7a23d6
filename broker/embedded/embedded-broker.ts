import { join } from 'node:path'
import type { Admin, Broker, Subscription } from '../../ports/broker.ts'
import type { Clock } from '../../ports/clock.ts'
import { FencedError } from '../../schemas/errors.ts'
import { brokerClosed, unknownTopic } from '../broker-errors.ts'
import { type ConsumerGroup, createConsumerGroup } from './consumer-group.ts'
import type { Truncation } from './corruption.ts'
import { createFileSync } from './file-sync.ts'
import { createGroupMember, type GroupMember } from './group-member.ts'
import { createGroupOffsets } from './group-offsets.ts'
import { createLogReader } from './log-reader.ts'
import {
  defaultMemoryRetentionBytes,
  defaultRetentionBytes,
  defaultRetentionMs,
  defaultSegmentBytes,
  tailBytesMax,
} from './log-settings.ts'
import { createTailMemory } from './page.ts'
import { createEmbeddedProducer, createTransactions, finishTransaction } from './producers.ts'
import {
  createTopicLog,
  deleteTopicLog,
  growTopicLog,
  openTopicLogs,
  type TopicLog,
  type TopicLogContext,
} from './topic-log.ts'
import { createTransactionJournal } from './transaction-journal.ts'

const housekeepingMs = 30_000

/** The log always stamps records itself. */
const appendTimes = { 'message.timestamp.type': 'LogAppendTime' }

interface EmbeddedBrokerOptions {
  /** Folder of the logs; absent: memory only. Only one process may have it open. */
  readonly dir?: string
  readonly clock: Clock
  /** Default 16 MiB. */
  readonly segmentBytes?: number
  /** Of a topic, all partitions together; default 1 GiB, in memory 256 MiB. A topic's `retention.bytes` is per partition. */
  readonly retentionBytes?: number
  /** Default 7 days. */
  readonly retentionMs?: number
  /** Newest bytes of all logs on disk that stay in memory; default 64 MiB. */
  readonly memoryBytes?: number
}

/** The broker port in this process, with what opening it found. */
export interface EmbeddedBroker extends Broker {
  /** What a crash left unfinished and opening cut off. */
  readonly truncations: readonly Truncation[]
  /** Applies retention now; it also runs every 30 s and with every new segment. */
  retain(): void
}

/**
 * A partitioned log in this process: append-only segments in a folder, or in memory.
 * Groups, transactions, fencing, retention and topic ids hold as on a broker.
 *
 * @throws {FatalError} `LOG_CORRUPT` when an older file is damaged.
 */
export function createEmbeddedBroker(options: EmbeddedBrokerOptions): EmbeddedBroker {
  const { dir, clock } = options
  const files = createFileSync()
  const context: TopicLogContext = {
    dir,
    clock,
    tail: createTailMemory(options.memoryBytes ?? tailBytesMax),
    onWritten: files.written,
    settings: {
      segmentBytes: options.segmentBytes ?? defaultSegmentBytes,
      retentionBytes:
        options.retentionBytes ?? (dir === undefined ? defaultMemoryRetentionBytes : defaultRetentionBytes),
      retentionMs: options.retentionMs ?? defaultRetentionMs,
      compact: false,
    },
  }
  const topics = new Map(openTopicLogs(context).map((log) => [log.topic, log]))
  const truncations = [...topics.values()].flatMap(({ partitions }) =>
    partitions.flatMap(({ truncation }) => (truncation === undefined ? [] : [truncation])),
  )
  const journal = createTransactionJournal(dir)
  finishTransaction(journal, [...topics.values()])
  const offsets = createGroupOffsets(dir)
  const groups = new Map<string, ConsumerGroup>()
  const closers = new Set<() => Promise<void>>()
  let closed = false

  function find(topic: string): TopicLog {
    if (closed) throw brokerClosed()
    const log = topics.get(topic)
    if (log === undefined) throw unknownTopic(topic)
    return log
  }

  function groupOf(groupId: string): ConsumerGroup {
    const group = groups.get(groupId) ?? createConsumerGroup(groupId, clock)
    groups.set(groupId, group)
    return group
  }

  function retain(): void {
    for (const { partitions } of topics.values()) for (const log of partitions) log.retain()
  }

  const stopHousekeeping = clock.every(housekeepingMs, () => {
    retain()
    offsets.save()
  })
  const createTransactional = createTransactions(find, journal)

  const admin: Admin = {
    async createTopic(spec) {
      if (closed) throw brokerClosed()
      if (!topics.has(spec.topic)) topics.set(spec.topic, createTopicLog(context, spec))
    },
    async growTopic(topic, partitions) {
      topics.set(topic, growTopicLog(context, find(topic), partitions))
    },
    async describeTopic(topic) {
      const log = topics.get(topic)
      return (
        log && {
          topic,
          topicId: log.topicId,
          partitions: log.partitions.length,
          config: { ...appendTimes, ...log.config },
        }
      )
    },
    async deleteTopic(topic) {
      const log = find(topic)
      topics.delete(topic)
      offsets.deleteTopic(topic)
      deleteTopicLog(context, log)
    },
    async listTopics() {
      return [...topics.keys()].sort()
    },
    async offsets(topic) {
      return new Map(find(topic).partitions.map((log, partition) => [partition, log.range]))
    },
    async groupOffsets(groupId, topic) {
      return offsets.get(groupId, topic)
    },
  }

  return {
    admin,
    truncations,
    retain,
    async createProducer() {
      if (closed) throw brokerClosed()
      return createEmbeddedProducer(find)
    },
    async createTransactionalProducer(transactionalId) {
      if (closed) throw brokerClosed()
      return createTransactional(transactionalId)
    },
    async subscribe(subscribeOptions) {
      const { groupId, topic } = subscribeOptions
      const log = find(topic)
      const group = groupOf(groupId)
      const member: GroupMember = createGroupMember({
        ...subscribeOptions,
        log,
        clock,
        onFailed() {
          closers.delete(close)
          void group.leave(member)
        },
      })
      const close = async () => {
        closers.delete(close)
        await member.stop()
        if (!closed) void group.leave(member)
      }
      closers.add(close)
      await group.join(member)
      const subscription: Subscription = {
        pause: member.pause,
        resume: member.resume,
        seek: member.seek,
        async commitOffsets(committed) {
          const foreign = [...committed.keys()].filter((partition) => !member.owned.includes(partition))
          if (member.ended || foreign.length > 0) throw notOwner(groupId, topic, foreign)
          offsets.set(groupId, topic, committed)
        },
        close,
      }
      return subscription
    },
    async read(readOptions) {
      const reader = createLogReader(find(readOptions.topic), readOptions)
      const close = async () => {
        closers.delete(close)
        await reader.close()
      }
      closers.add(close)
      return { startOffsets: reader.startOffsets, close }
    },
    async sync(topic) {
      find(topic)
      if (dir !== undefined) await files.sync(join(dir, topic))
    },
    retainFrom(topic, held) {
      const { partitions } = find(topic)
      for (const [partition, offset] of held) partitions[partition]?.retainFrom(offset)
    },
    async ping() {
      if (closed) throw brokerClosed()
    },
    async close() {
      if (closed) return
      closed = true
      stopHousekeeping()
      await Promise.all([...closers].map((close) => close()))
      offsets.save()
      for (const { partitions } of topics.values()) for (const log of partitions) log.close()
    },
  }
}

function notOwner(groupId: string, topic: string, partitions: readonly number[]): FencedError {
  return new FencedError({
    code: 'GROUP_FENCED',
    message: `group '${groupId}': ${topic}/${partitions.join(',')} belongs to another member now`,
  })
}
