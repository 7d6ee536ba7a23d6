import { Kafka, logLevel } from 'kafkajs'
import type { Log } from '../../ports/logger.ts'
import { registerCodecs } from './codecs.ts'

/** Bounds of one attempt at anything: about 3 s where nothing listens. */
export const retry = { retries: 5, initialRetryTime: 100, maxRetryTime: 2_000, factor: 0.2, multiplier: 2 }

const connectMsMax = 3_000
const requestMsMax = 15_000

/** The client. Its own log is debug lines at most: what matters of it comes back as an error, or as a state of ours. */
export function createKafkaClient(brokers: readonly string[], clientId: string, log: Log | undefined): Kafka {
  registerCodecs()
  return new Kafka({
    brokers: [...brokers],
    clientId,
    retry,
    connectionTimeout: connectMsMax,
    requestTimeout: requestMsMax,
    logLevel: log === undefined ? logLevel.NOTHING : logLevel.WARN,
    logCreator:
      () =>
      ({ log: entry, namespace }) => {
        const { message, timestamp: _, ...details } = entry
        log?.('debug', `kafkajs: ${message}`, { namespace, ...details })
      },
  })
}
