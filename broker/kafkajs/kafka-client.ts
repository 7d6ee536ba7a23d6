import { Kafka, logLevel, type RequestTimeoutEvent } from 'kafkajs'
import type { Log } from '../../ports/logger.ts'
import { registerCodecs } from './codecs.ts'
import { createSocketWatch } from './socket-watch.ts'

/** Bounds of one attempt at anything: about 3 s where nothing listens. */
export const retry = { retries: 5, initialRetryTime: 100, maxRetryTime: 2_000, factor: 0.2, multiplier: 2 }

const connectMsMax = 3_000
const requestMsMax = 7_000

/** What makes clients of one set of brokers. */
export type KafkaClient = Pick<Kafka, 'admin' | 'consumer' | 'producer'>

/** The client. Its own log is debug lines at most: what matters of it comes back as an error, or as a state of ours. */
export function createKafkaClient(brokers: readonly string[], clientId: string, log: Log | undefined): KafkaClient {
  registerCodecs()
  const sockets = createSocketWatch()
  const kafka = new Kafka({
    brokers: [...brokers],
    clientId,
    retry,
    connectionTimeout: connectMsMax,
    requestTimeout: requestMsMax,
    socketFactory: sockets.socketFactory,
    logLevel: log === undefined ? logLevel.NOTHING : logLevel.WARN,
    logCreator:
      () =>
      ({ log: entry, namespace }) => {
        const { message, timestamp: _, ...details } = entry
        log?.('debug', `kafkajs: ${message}`, { namespace, ...details })
      },
  })
  const unanswered = ({ payload }: RequestTimeoutEvent): void => sockets.cutSilent(payload.sentAt)
  return {
    admin(options) {
      const admin = kafka.admin(options)
      admin.on(admin.events.REQUEST_TIMEOUT, unanswered)
      return admin
    },
    consumer(options) {
      const consumer = kafka.consumer(options)
      consumer.on(consumer.events.REQUEST_TIMEOUT, unanswered)
      return consumer
    },
    producer(options) {
      const producer = kafka.producer(options)
      producer.on(producer.events.REQUEST_TIMEOUT, unanswered)
      return producer
    },
  }
}
