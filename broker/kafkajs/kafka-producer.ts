import type { Producer as KafkaProducer, Message } from 'kafkajs'
import type { OutgoingRecord, Producer, TransactionalProducer } from '../../ports/broker.ts'
import { type RedwickError, TransientError } from '../../schemas/errors.ts'
import { brokerClosed, producerFenced, unknownPartition } from '../broker-errors.ts'
import { chunksOf } from './chunks.ts'
import type { KafkaAdminPort } from './kafka-admin.ts'
import { type KafkaClient, retry } from './kafka-client.ts'
import { brokerError, isFenced } from './kafka-errors.ts'

const transactionMsMax = 30_000
const acks = -1

interface ProducerOptions {
  readonly kafka: KafkaClient
  readonly brokers: readonly string[]
  readonly admin: Pick<KafkaAdminPort, 'partitionCount'>
}

/**
 * Partitions are always named; the client would silently drop a record for one that is not there, or that it has not heard of.
 * The check tells whether the topic has grown since the client looked.
 */
function createPartitionCheck({ admin }: ProducerOptions) {
  const counts = new Map<string, number>()
  return async (topic: string, records: readonly OutgoingRecord[]): Promise<boolean> => {
    const known = counts.get(topic) ?? 0
    let count = known
    const missing = () => records.find(({ partition }) => !(partition >= 0 && partition < count))
    if (count > 0 && missing() === undefined) return false
    count = await admin.partitionCount(topic)
    const wrong = missing()
    if (wrong !== undefined) throw unknownPartition(topic, wrong.partition, count)
    counts.set(topic, count)
    return known > 0
  }
}

/** Acknowledged by all in-sync replicas; idempotent, so a retry inside the client does not repeat records. */
export async function createKafkaProducer(options: ProducerOptions): Promise<Producer> {
  const { kafka, brokers } = options
  const check = createPartitionCheck(options)
  let producer: KafkaProducer | undefined = await connected(options)
  let closed = false
  return {
    async send(topic, records) {
      if (closed) throw brokerClosed()
      const isGrown = await check(topic, records)
      if (records.length === 0) return []
      if (isGrown) {
        void producer?.disconnect().catch(() => undefined)
        producer = undefined
      }
      const current = producer ?? (await connected({ ...options, kafka }))
      producer = current
      try {
        const bases = new Map<number, number>()
        for (const chunk of chunksOf(records)) {
          const metadata = await current.send({ topic, acks, messages: chunk.map(messageOfRecord) })
          for (const { partition, baseOffset } of metadata)
            if (!bases.has(partition)) bases.set(partition, Number(baseOffset))
        }
        return [...bases].map(([partition, baseOffset]) => ({ partition, baseOffset }))
      } catch (error) {
        // Its sequence numbers may no longer be the broker's.
        producer = undefined
        void current.disconnect().catch(() => undefined)
        throw brokerError(error, brokers)
      }
    },
    async close() {
      closed = true
      await producer?.disconnect()
    },
  }
}

/** Fences earlier producers with the id at once. It is never initialised again: a zombie must not win its id back. */
export async function createKafkaTransactionalProducer(
  options: ProducerOptions,
  transactionalId: string,
): Promise<TransactionalProducer> {
  const { brokers } = options
  const check = createPartitionCheck(options)
  const producer = await connected(options, transactionalId)
  let lost: RedwickError | undefined
  /** It may be closed while it sends. */
  const lostMeanwhile = (): RedwickError | undefined => lost
  try {
    await (await producer.transaction()).abort() // takes the id; there is nothing to abort
  } catch (error) {
    void producer.disconnect().catch(() => undefined)
    throw brokerError(error, brokers)
  }
  return {
    async send(groups) {
      if (lost !== undefined) throw lost
      for (const { topic, records } of groups)
        if (await check(topic, records)) {
          lost = new TransientError({ code: 'TOPIC_GREW', message: `topic '${topic}' has more partitions now` })
          void producer.disconnect().catch(() => undefined)
          throw lost
        }
      const filled = groups.filter(({ records }) => records.length > 0)
      if (filled.length === 0) return
      try {
        const transaction = await producer.transaction()
        try {
          for (const { topic, records } of filled)
            for (const chunk of chunksOf(records))
              await transaction.send({ topic, acks, messages: chunk.map(messageOfRecord) })
          await transaction.commit()
        } catch (error) {
          if (!isFenced(error) && transaction.isActive()) await transaction.abort().catch(() => undefined)
          throw error
        }
      } catch (error) {
        const known = lostMeanwhile()
        if (known !== undefined) throw known
        if (!isFenced(error)) throw brokerError(error, brokers)
        lost = producerFenced(transactionalId, error)
        void producer.disconnect().catch(() => undefined)
        throw lost
      }
    },
    async close() {
      lost ??= brokerClosed()
      await producer.disconnect()
    },
  }
}

async function connected({ kafka, brokers }: ProducerOptions, transactionalId?: string): Promise<KafkaProducer> {
  const producer = kafka.producer({
    allowAutoTopicCreation: false,
    idempotent: true,
    retry,
    transactionTimeout: transactionMsMax,
    createPartitioner:
      () =>
      ({ message }) =>
        message.partition ?? 0,
    ...(transactionalId === undefined ? {} : { transactionalId, maxInFlightRequests: 1 }),
  })
  try {
    await producer.connect()
    return producer
  } catch (error) {
    void producer.disconnect().catch(() => undefined)
    throw brokerError(error, brokers)
  }
}

function messageOfRecord({ partition, key, value, headers }: OutgoingRecord): Message {
  return {
    partition,
    key: key === null || typeof key === 'string' ? key : view(key),
    value: value === null ? null : view(value),
    ...(headers && { headers: { ...headers } }),
  }
}

function view(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
