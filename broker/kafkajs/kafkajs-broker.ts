import type {
  Broker,
  Producer,
  Reader,
  ReadOptions,
  SubscribeOptions,
  TransactionalProducer,
} from '../../ports/broker.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Log } from '../../ports/logger.ts'
import type { SourceBatch } from '../../schemas/batch-decoder.ts'
import { brokerClosed } from '../broker-errors.ts'
import { createSchemaWait } from '../schema-wait.ts'
import { createKafkaAdmin, type KafkaAdminPort } from './kafka-admin.ts'
import { createKafkaClient } from './kafka-client.ts'
import { createKafkaProducer, createKafkaTransactionalProducer } from './kafka-producer.ts'
import { createKafkaReader } from './kafka-reader.ts'
import { createColumnFeed } from './kafka-subscription.ts'
import { type PartitionReader, startPositionedConsumer } from './positioned-consumer.ts'

export interface KafkaBrokerOptions {
  /** `host:port` of one broker or more. */
  readonly brokers: readonly string[]
  readonly clientId: string
  readonly clock: Clock
  /** Takes the client's own log, as debug lines; absent: silence. */
  readonly logger?: Log
  /** What does parts of the work in the client's place. */
  readonly own?: OwnClient
}

/** Each resolves with undefined where the broker does not speak what it needs: then the client does it. */
export interface OwnClient {
  reads<Batch extends SourceBatch>(
    options: SubscribeOptions<Batch>,
    admin: KafkaAdminPort,
  ): Promise<PartitionReader | undefined>
  /** Without a group; the client makes one of its own for it. */
  reader(options: ReadOptions, admin: KafkaAdminPort): Promise<Reader | undefined>
  producer(): Promise<Producer | undefined>
  transactionalProducer(transactionalId: string): Promise<TransactionalProducer | undefined>
}

interface Closable {
  close(): Promise<void>
}

/**
 * The broker port on Redpanda or Apache Kafka, through kafkajs. Connects when first used.
 * Callbacks must not await `close` of what called them.
 */
export function createKafkaBroker({ brokers, clientId, clock, logger, own }: KafkaBrokerOptions): Broker {
  const kafka = createKafkaClient(brokers, clientId, logger)
  const admin = createKafkaAdmin({ admin: kafka.admin(), brokers, clock })
  const context = { kafka, brokers, admin, clock }
  const open = new Set<Closable>()
  let closed = false

  /** Keeps what must be closed with the broker. */
  async function opened<Opened extends Closable>(opening: () => Promise<Opened>): Promise<Opened> {
    if (closed) throw brokerClosed()
    const made = await opening()
    const close = async () => {
      open.delete(kept)
      await made.close()
    }
    const kept: Opened = { ...made, close }
    open.add(kept)
    return kept
  }

  return {
    admin,
    createProducer: () => opened(async () => (await own?.producer()) ?? createKafkaProducer(context)),
    createTransactionalProducer: (transactionalId) =>
      opened(
        async () =>
          (await own?.transactionalProducer(transactionalId)) ??
          createKafkaTransactionalProducer(context, transactionalId),
      ),
    subscribe: (options) =>
      opened(async () => {
        const { topic, groupId, handler, decoder, sessionTimeoutMs } = options
        await admin.partitionCount(topic) // a missing topic is told at once
        const reads = await own?.reads(options, admin)
        const consumer = await startPositionedConsumer({
          ...{ ...context, topic, groupId, sessionTimeoutMs },
          elsewhere: reads,
          assigned: (partitions, signal) => handler.assigned(partitions, signal),
          revoked: (partitions) => handler.revoked(partitions),
          failed: (error) => handler.failed(error),
          batch: createColumnFeed(options, createSchemaWait(decoder, clock)),
        })
        const close = async (): Promise<void> => {
          await consumer.close()
          await reads?.close()
        }
        return { ...consumer, close }
      }),
    read: (options) => opened(async () => (await own?.reader(options, admin)) ?? createKafkaReader(context, options)),
    sync: async () => undefined,
    retainFrom: () => undefined,
    async ping() {
      if (closed) throw brokerClosed()
      await admin.listTopics()
    },
    async close() {
      closed = true
      await Promise.all([...open].map((made) => made.close()))
      await admin.close()
    },
  }
}
