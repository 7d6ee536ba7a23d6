import type { Broker, OutgoingRecord, TopicRecords, TransactionalProducer } from '../ports/broker.ts'
import { bytesOf, portionBytesMax, portionsOf } from './portions.ts'

/** A transactional producer for each partition that this process owns: a later owner, anywhere, fences it. */
export interface FencedProducers {
  /** Fences every earlier producer of the partition, anywhere. */
  takeOver(partition: number): Promise<void>
  /** The way out of whoever owns the partition now: to be taken before anything is awaited, or it may be a successor's. */
  sender(partition: number): FencedSender
  forget(partition: number): Promise<void>
  close(): Promise<void>
}

/**
 * Sends in one transaction, all or nothing; what is larger than `portionBytesMax` in several, in order. An empty list does
 * nothing.
 *
 * @throws {FencedError} A later owner of the partition has taken over.
 */
export type FencedSender = (groups: readonly TopicRecords[]) => Promise<void>

interface Item {
  readonly topic: string
  readonly record: OutgoingRecord
}

function sizeOf(groups: readonly TopicRecords[]): number {
  let bytes = 0
  for (const { records } of groups) for (const record of records) bytes += bytesOf(record)
  return bytes
}

function byTopic(items: readonly Item[]): TopicRecords[] {
  const groups = new Map<string, OutgoingRecord[]>()
  for (const { topic, record } of items) {
    const records = groups.get(topic)
    if (records === undefined) groups.set(topic, [record])
    else records.push(record)
  }
  return [...groups].map(([topic, records]) => ({ topic, records }))
}

/** @param idPrefix Before the partition's number in each transactional id. */
export function createFencedProducers(broker: Broker, idPrefix: string): FencedProducers {
  const producers = new Map<number, TransactionalProducer>()

  const forget = async (partition: number): Promise<void> => {
    const producer = producers.get(partition)
    producers.delete(partition)
    await producer?.close()
  }
  return {
    async takeOver(partition) {
      await forget(partition)
      producers.set(partition, await broker.createTransactionalProducer(`${idPrefix}-${partition}`))
    },
    sender(partition) {
      const producer = producers.get(partition)
      return async (groups) => {
        const filled = groups.filter(({ records }) => records.length > 0)
        if (filled.length === 0) return
        if (sizeOf(filled) <= portionBytesMax) return producer?.send(filled)
        const items = filled.flatMap(({ topic, records }) => records.map((record) => ({ topic, record })))
        for (const portion of portionsOf(items, ({ record }) => bytesOf(record))) await producer?.send(byTopic(portion))
      }
    },
    forget,
    async close() {
      await Promise.all([...producers.keys()].map(forget))
    },
  }
}
