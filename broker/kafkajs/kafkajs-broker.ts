import type { Broker } from '../../ports/broker.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Log } from '../../ports/logger.ts'
import { brokerClosed } from '../broker-errors.ts'
import { createSchemaWait } from '../schema-wait.ts'
import { createKafkaAdmin } from './kafka-admin.ts'
import { createKafkaClient } from './kafka-client.ts'
import { createKafkaProducer, createKafkaTransactionalProducer } from './kafka-producer.ts'
import { createKafkaReader } from './kafka-reader.ts'
import { createColumnFeed } from './kafka-subscription.ts'
import { startPositionedConsumer } from './positioned-consumer.ts'

interface KafkaBrokerOptions {
  /** `host:port` of one broker or more. */
  readonly brokers: readonly string[]
  readonly clientId: string
  readonly clock: Clock
  /** Takes the client's own log, as debug lines; absent: silence. */
  readonly logger?: Log
}

interface Closable {
  close(): Promise<void>
}

/**
 * The broker port on Redpanda or Apache Kafka, through kafkajs. Connects when first used.
 * Callbacks must not await `close` of what called them.
 */
export function createKafkaBroker({ brokers, clientId, clock, logger }: KafkaBrokerOptions): Broker {
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
    createProducer: () => opened(() => createKafkaProducer(context)),
    createTransactionalProducer: (transactionalId) =>
      opened(() => createKafkaTransactionalProducer(context, transactionalId)),
    subscribe: (options) =>
      opened(async () => {
        const { topic, groupId, handler, decoder, sessionTimeoutMs } = options
        await admin.partitionCount(topic) // a missing topic is told at once
        return startPositionedConsumer({
          ...{ ...context, topic, groupId, sessionTimeoutMs },
          assigned: (partitions) => handler.assigned(partitions),
          revoked: (partitions) => handler.revoked(partitions),
          failed: (error) => handler.failed(error),
          batch: createColumnFeed(options, createSchemaWait(decoder, clock)),
        })
      }),
    read: (options) => opened(() => createKafkaReader(context, options)),
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
