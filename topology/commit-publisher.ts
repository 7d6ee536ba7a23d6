import type { Broker, OutgoingRecord } from '../ports/broker.ts'
import type { Clock } from '../ports/clock.ts'
import { type Emission, emissionNames } from '../schemas/candle.ts'
import type { DeadLetter } from '../schemas/dead-letter.ts'
import type { TopicNames } from '../schemas/topics.ts'
import { createFencedProducers } from './fenced-producers.ts'
import { createCandleReader } from './named-candles.ts'
import type { Outbox } from './outbox.ts'
import { bytesOf, portionBytesMax } from './portions.ts'

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
  readonly clock: Clock
  readonly topics: TopicNames
  /** Before the partition's number in each transactional id. */
  readonly idPrefix: string
  /** The emission is good until the next call. */
  encode(emission: Emission): Uint8Array
}

/** Finals that are encoded at one go. */
const sliceMax = 2_000

/** A dead letter as a record of the dead-letter topic. */
export function deadLetterRecord(letter: DeadLetter): OutgoingRecord {
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

export function createCommitPublisher({
  broker,
  clock,
  topics,
  idPrefix,
  encode,
}: CommitPublisherOptions): CommitPublisher {
  const producers = createFencedProducers(broker, idPrefix)

  return {
    takeOver: producers.takeOver,
    async publish(partition, e, { finals, deadLetters }) {
      const send = producers.sender(partition)
      const { rows } = finals
      const read = createCandleReader(finals)
      let candles: OutgoingRecord[] = []
      let bytes = 0
      for (let i = 0; i < rows.length; i++) {
        const candle = read(i)
        const kind = emissionNames[rows.kind[i] as number] ?? 'final'
        const key = `${candle.symbol}|${candle.interval}|${candle.start}`
        const record = { partition, key, value: encode({ kind, e, q: 0, candle }) }
        bytes += bytesOf(record)
        if (bytes > portionBytesMax) {
          // Memory holds no more than a portion of them.
          await send([{ topic: topics.candles, records: candles }])
          candles = []
          bytes = bytesOf(record)
        }
        candles.push(record)
        if (i % sliceMax === sliceMax - 1) await clock.sleep(0) // others have their turn in between
      }
      const letters = deadLetters.map(deadLetterRecord)
      await send([
        { topic: topics.candles, records: candles },
        { topic: topics.deadLetters, records: letters },
      ])
    },
    forget: producers.forget,
    close: producers.close,
  }
}
