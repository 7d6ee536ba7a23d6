import { Kafka, logLevel } from 'kafkajs'
import { registerCodecs } from './codecs.ts'

type LogLevel = 'debug' | 'info' | 'warn' | 'error'
export type LogFunction = (level: LogLevel, message: string, details: Record<string, unknown>) => void

/** Bounds of one attempt at anything: about 3 s where nothing listens. */
export const retry = { retries: 5, initialRetryTime: 100, maxRetryTime: 2_000, factor: 0.2, multiplier: 2 }

const connectMsMax = 3_000
const requestMsMax = 15_000

/** The client, with its own log silenced or passed on. */
export function createKafkaClient(
  brokers: readonly string[],
  clientId: string,
  logger: LogFunction | undefined,
): Kafka {
  registerCodecs()
  return new Kafka({
    brokers: [...brokers],
    clientId,
    retry,
    connectionTimeout: connectMsMax,
    requestTimeout: requestMsMax,
    logLevel: logger === undefined ? logLevel.NOTHING : logLevel.WARN,
    logCreator:
      () =>
      ({ level, log, namespace }) => {
        const { message, timestamp: _, ...details } = log
        logger?.(levelName(level), message, { namespace, ...details })
      },
  })
}

function levelName(level: logLevel): LogLevel {
  if (level === logLevel.ERROR) return 'error'
  if (level === logLevel.WARN) return 'warn'
  return level === logLevel.INFO ? 'info' : 'debug'
}
