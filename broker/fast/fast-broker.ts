import type { Broker } from '../../ports/broker.ts'
import { FatalError } from '../../schemas/errors.ts'
import type { KafkaAdminPort } from '../kafkajs/kafka-admin.ts'
import { startOffsetsOf } from '../kafkajs/kafka-reader.ts'
import { createKafkaBroker, type KafkaBrokerOptions, type OwnClient } from '../kafkajs/kafkajs-broker.ts'
import { createSchemaWait } from '../schema-wait.ts'
import type { Connection } from '../wire/connection.ts'
import { asked, createCluster } from './cluster.ts'
import { createFastProducer, createFastTransactionalProducer } from './fast-producer.ts'
import { createFetchClient } from './fetch-client.ts'
import { createFetchedColumns } from './fetched-columns.ts'
import { createFetchedRecords } from './fetched-records.ts'
import { createGroupHeartbeat } from './group-heartbeat.ts'
import { startPartitionFetch } from './partition-fetch.ts'
import { createProduceClient } from './produce-client.ts'

interface Probed {
  /** @throws {FatalError} `PROTOCOL_UNSUPPORTED` */
  probe(): Promise<void>
  close(): Promise<void>
}

/**
 * The broker port on Redpanda or Apache Kafka: what is fetched goes straight from its bytes into columns, and what is
 * produced straight into batches. Groups and topics are kafkajs's; so is the rest, where the broker speaks too old a protocol.
 */
export function createFastBroker(options: Omit<KafkaBrokerOptions, 'own'>): Broker {
  const { brokers, clientId, clock, logger: log = () => undefined } = options

  /** @returns Undefined where the broker does not speak what the client does. */
  async function spoken<Client extends Probed>(client: Client): Promise<Client | undefined> {
    try {
      await client.probe()
      return client
    } catch (error) {
      await client.close()
      if (!(error instanceof FatalError) || error.code !== 'PROTOCOL_UNSUPPORTED') throw error
      log('warn', 'kafkajs does the work of the fast client', { why: error.why })
      return undefined
    }
  }

  const connections = new Set<Connection>()
  const cluster = () => createCluster({ brokers, clientId, clock, connections })
  const fetchClient = (topic: string, admin: KafkaAdminPort) =>
    spoken(createFetchClient({ cluster: cluster(), brokers, admin, topic }))
  const produceClient = () => spoken(createProduceClient({ cluster: cluster(), brokers, clock }))

  const own: OwnClient = {
    async reads(subscribed, admin) {
      const { topic, decoder } = subscribed
      const port = await fetchClient(topic, admin)
      if (port === undefined) return undefined
      const resolveSchema = createSchemaWait(decoder, clock)
      const group = createGroupHeartbeat(cluster(), brokers)
      return {
        start(starts, failed) {
          const fetched = createFetchedColumns(subscribed, resolveSchema)
          return startPartitionFetch({ port, topic, starts, clock, log, fetched, failed })
        },
        heartbeat: group.beat,
        async close() {
          await Promise.all([port.close(), group.close()])
        },
      }
    },
    async reader(read, admin) {
      const { topic } = read
      const startOffsets = await startOffsetsOf(admin, topic, read.from)
      const port = await fetchClient(topic, admin)
      if (port === undefined) return undefined
      const fetched = createFetchedRecords(read)
      const reads = startPartitionFetch({
        ...{ port, topic, starts: startOffsets, clock, log, fetched },
        failed: read.onError,
      })
      return {
        startOffsets,
        async close() {
          await reads.stop()
          await port.close()
        },
      }
    },
    async producer() {
      const port = await produceClient()
      return port && createFastProducer({ port, clock })
    },
    async transactionalProducer(transactionalId) {
      const port = await produceClient()
      return (
        port && createFastTransactionalProducer({ port, clock }, transactionalId, port.transactions(transactionalId))
      )
    },
  }
  const broker = createKafkaBroker({ ...options, own })
  const topics = cluster()
  return {
    ...broker,
    admin: {
      ...broker.admin,
      async describeTopic(topic) {
        const description = await broker.admin.describeTopic(topic)
        if (description === undefined) return undefined
        // kafkajs cannot tell one incarnation of a topic from another.
        const { topicId } = await asked(brokers, topics.topic(topic, true))
        return { ...description, topicId }
      },
    },
    async close() {
      await Promise.all([broker.close(), topics.close()])
    },
  }
}
