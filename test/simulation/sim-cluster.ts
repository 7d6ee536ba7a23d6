import { producerFenced, unknownTopic } from '../../broker/broker-errors.ts'
import type { AppendedRange, OffsetRange, OutgoingRecord, StoredRecord, TopicRecords } from '../../ports/broker.ts'
import { createSimGroup, type SimGroup } from './sim-group.ts'
import type { VirtualTime } from './virtual-time.ts'

export interface SimPartition {
  /** Everything that was ever appended, by offset; the broker gives out what is in `range`. */
  readonly written: readonly StoredRecord[]
  readonly range: OffsetRange
}

export interface SimTopic {
  readonly topic: string
  readonly topicId: string
  readonly partitions: readonly SimPartition[]
  readonly config: Readonly<Record<string, string>>
}

/** What the brokers hold: it outlives every process. What is asked of it happens at once. */
export interface SimCluster {
  createTopic(topic: string, partitions: number, config?: Readonly<Record<string, string>>): void
  /** @throws {FatalError} `UNKNOWN_TOPIC`. */
  find(topic: string): SimTopic
  partition(topic: string, partition: number): SimPartition
  readonly topics: readonly string[]
  append(topic: string, records: readonly OutgoingRecord[]): AppendedRange[]
  /** The newest producer of an id; it fences the earlier ones. @returns Its term. */
  fence(transactionalId: string): number
  /** @throws {FencedError} There is a newer producer of this id. */
  appendAll(transactionalId: string, term: number, groups: readonly TopicRecords[]): void
  /** Calls after each append to a topic. @returns What ends it. */
  onAppend(topic: string, task: (partition: number, records: readonly StoredRecord[]) => void): () => void
  /** All but these offsets are lost. */
  cut(topic: string, partition: number, range: OffsetRange): void
  group(groupId: string): SimGroup
}

interface Partition extends SimPartition {
  readonly written: StoredRecord[]
  range: OffsetRange
}
interface Topic extends SimTopic {
  readonly partitions: Partition[]
  readonly listeners: Set<(partition: number, records: readonly StoredRecord[]) => void>
}

const bytes = (value: Uint8Array | string | null): Buffer | null => (value === null ? null : Buffer.from(value))

export function createSimCluster(time: VirtualTime, isFencing: boolean): SimCluster {
  const topics = new Map<string, Topic>()
  const terms = new Map<string, number>()
  const groups = new Map<string, SimGroup>()
  const find = (topic: string): Topic => {
    const found = topics.get(topic)
    if (found === undefined) throw unknownTopic(topic)
    return found
  }
  const partitionOf = (topic: string, partition: number): Partition => {
    const found = find(topic).partitions[partition]
    if (found === undefined) throw new RangeError(`${topic} has no partition ${partition}`)
    return found
  }

  const append = (topic: string, records: readonly OutgoingRecord[]): AppendedRange[] => {
    const { listeners } = find(topic)
    const appended = new Map<number, StoredRecord[]>()
    for (const { partition, key, value, headers } of records) {
      const log = partitionOf(topic, partition)
      const record: StoredRecord = {
        ...{ partition, offset: log.written.length, appendTime: time.now(), key: bytes(key), value: bytes(value) },
        headers: headers ?? {},
      }
      log.written.push(record)
      log.range = { ...log.range, latest: log.written.length }
      appended.set(partition, [...(appended.get(partition) ?? []), record])
    }
    for (const [partition, some] of appended) for (const told of listeners) told(partition, some)
    return [...appended].map(([partition, some]) => ({ partition, baseOffset: some[0]?.offset ?? 0 }))
  }

  return {
    createTopic(topic, count, config = {}) {
      if (topics.has(topic)) return
      const partitions = Array.from(
        { length: count },
        (): Partition => ({ written: [], range: { earliest: 0, latest: 0 } }),
      )
      topics.set(topic, { topic, topicId: `id-of-${topic}`, partitions, config, listeners: new Set() })
    },
    find,
    partition: partitionOf,
    get topics() {
      return [...topics.keys()].sort()
    },
    append,
    fence(transactionalId) {
      const term = (terms.get(transactionalId) ?? 0) + 1
      terms.set(transactionalId, term)
      return term
    },
    appendAll(transactionalId, term, transaction) {
      if (isFencing && terms.get(transactionalId) !== term) throw producerFenced(transactionalId)
      for (const { topic, records } of transaction) append(topic, records)
    },
    onAppend(topic, task) {
      const { listeners } = find(topic)
      listeners.add(task)
      return () => listeners.delete(task)
    },
    cut(topic, partition, range) {
      partitionOf(topic, partition).range = range
      // Who polls sees it.
      for (const told of find(topic).listeners) told(partition, [])
    },
    group(groupId) {
      const found = groups.get(groupId) ?? createSimGroup(time)
      groups.set(groupId, found)
      return found
    },
  }
}
