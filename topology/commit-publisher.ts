import type { Broker, OutgoingRecord, TopicRecords, TransactionalProducer } from '../ports/broker.ts'
import type { Emission } from '../schemas/candle.ts'
import type { DeadLetter } from '../schemas/dead-letter.ts'
import type { TopicNames } from '../schemas/topics.ts'
import type { Outbox } from './outbox.ts'

/** Publishes what a durable commit owes to `candles` and the dead-letter topic, fenced by a transactional id. */
export interface CommitPublisher {
  /** Fences every earlier publisher of the partition, anywhere. */
  takeOver(partition: number): Promise<void>
  /**
   * @throws {FencedError} A later owner of the partition has taken over.
   */
  publish(partition: number, e: number, outbox: Outbox): Promise<void>
  forget(partition: number): Promise<void>
  close(): Promise<void>
}

export interface CommitPublisherOptions {
  readonly broker: Broker
  readonly topics: TopicNames
  /** Before the partition's number in each transactional id. */
  readonly idPrefix: string
  encode(emission: Emission): Uint8Array
}

function deadLetterRecord(letter: DeadLetter): OutgoingRecord {
  const { topic, partition, offset, reason, detail, schemaId, source } = letter
  return {
    partition,
    key: letter.symbol === '' ? null : letter.symbol,
    value: letter.payload,
    headers: {
      reason,
      detail,
      topic,
      partition: String(partition),
      offset: String(offset),
      ...(schemaId === null ? {} : { schemaId: String(schemaId) }),
      ...(source === '' ? {} : { source }),
    },
  }
}

export function createCommitPublisher({ broker, topics, idPrefix, encode }: CommitPublisherOptions): CommitPublisher {
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
    async publish(partition, e, { finals, deadLetters }) {
      const candles = finals.map(
        ({ kind, candle }): OutgoingRecord => ({
          partition,
          key: `${candle.symbol}|${candle.interval}|${candle.start}`,
          value: encode({ kind, e, q: 0, candle }),
        }),
      )
      const groups: TopicRecords[] = []
      if (candles.length > 0) groups.push({ topic: topics.candles, records: candles })
      if (deadLetters.length > 0) groups.push({ topic: topics.deadLetters, records: deadLetters.map(deadLetterRecord) })
      if (groups.length > 0) await producers.get(partition)?.send(groups)
    },
    forget,
    async close() {
      await Promise.all([...producers.keys()].map(forget))
    },
  }
}
