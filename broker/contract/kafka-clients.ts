import { createFastBroker } from '../fast/fast-broker.ts'
import { createKafkaBroker } from '../kafkajs/kafkajs-broker.ts'

/** Every adapter of a broker that speaks Kafka's protocol. */
export const kafkaClients = [
  { client: 'kafkajs', createBroker: createKafkaBroker },
  { client: 'fast', createBroker: createFastBroker },
] as const
