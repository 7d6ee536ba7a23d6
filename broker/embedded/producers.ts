import type {
  AppendedRange,
  OutgoingRecord,
  Producer,
  TopicRecords,
  TransactionalProducer,
} from '../../ports/broker.ts'
import { brokerClosed, producerFenced, unknownPartition } from '../broker-errors.ts'
import type { PartitionLog } from './partition-log.ts'
import type { TopicLog } from './topic-log.ts'
import type { TransactionJournal, TransactionPart } from './transaction-journal.ts'

/** @throws {FatalError} `UNKNOWN_TOPIC`. */
type FindTopic = (topic: string) => TopicLog

export function createEmbeddedProducer(find: FindTopic): Producer {
  let closed = false
  return {
    async send(topic, records) {
      if (closed) throw brokerClosed()
      const parts = byPartition(find(topic), records)
      return parts.map(({ partition, log, records }): AppendedRange => ({ partition, baseOffset: log.append(records) }))
    },
    async close() {
      closed = true
    },
  }
}

/** Who may write under each transactional id: the newest. */
export function createTransactions(
  find: FindTopic,
  journal: TransactionJournal,
): (transactionalId: string) => TransactionalProducer {
  const terms = new Map<string, number>()
  return (transactionalId) => {
    const term = (terms.get(transactionalId) ?? 0) + 1
    terms.set(transactionalId, term)
    return {
      async send(groups) {
        if (terms.get(transactionalId) !== term) throw producerFenced(transactionalId)
        appendAll(groups, find, journal)
      },
      async close() {
        if (terms.get(transactionalId) === term) terms.set(transactionalId, term + 1)
      },
    }
  }
}

/** Appends in one turn of the loop: no reader of this process sees a part of it. */
function appendAll(groups: readonly TopicRecords[], find: FindTopic, journal: TransactionJournal): void {
  const parts = merged(groups).flatMap(([topic, records]) => {
    const log = find(topic)
    return byPartition(log, records).map((part) => ({ ...part, topicId: log.topicId, baseOffset: part.log.latest }))
  })
  const [first] = parts
  if (first === undefined) return
  if (parts.length === 1) {
    first.log.append(first.records) // one append is whole by itself
    return
  }
  journal.begin(parts.map(({ log: _log, ...part }): TransactionPart => part))
  for (const { log, records } of parts) log.append(records)
  journal.end()
}

/** Appends what a crash left out of the last transaction. */
export function finishTransaction(journal: TransactionJournal, topics: readonly TopicLog[]): void {
  for (const { topicId, partition, baseOffset, records } of journal.unfinished()) {
    const log = topics.find((topic) => topic.topicId === topicId)?.partitions[partition]
    if (log?.latest === baseOffset) log.append(records)
  }
  journal.end()
}

interface PartitionRecords {
  readonly partition: number
  readonly log: PartitionLog
  readonly records: OutgoingRecord[]
}

/** @throws {FatalError} `UNKNOWN_PARTITION`, before anything is appended. */
function byPartition(topic: TopicLog, records: readonly OutgoingRecord[]): PartitionRecords[] {
  const parts = new Map<number, PartitionRecords>()
  for (const record of records) {
    const { partition } = record
    let part = parts.get(partition)
    if (part === undefined) {
      const log = topic.partitions[partition]
      if (log === undefined) throw unknownPartition(topic.topic, partition, topic.partitions.length)
      part = { partition, log, records: [] }
      parts.set(partition, part)
    }
    part.records.push(record)
  }
  return [...parts.values()].sort((a, b) => a.partition - b.partition)
}

function merged(groups: readonly TopicRecords[]): [string, OutgoingRecord[]][] {
  const topics = new Map<string, OutgoingRecord[]>()
  for (const { topic, records } of groups) topics.set(topic, [...(topics.get(topic) ?? []), ...records])
  return [...topics]
}
