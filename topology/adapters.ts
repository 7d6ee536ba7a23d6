import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { KafkaBrokerOptions } from '../broker/kafkajs/kafkajs-broker.ts'
import type { Broker } from '../ports/broker.ts'
import type { CandleStore } from '../ports/candle-store.ts'
import type { Clock } from '../ports/clock.ts'
import type { Log } from '../ports/logger.ts'
import type { SchemaRegistry } from '../ports/schema-registry.ts'
import type { Snapshot } from '../ports/snapshot.ts'
import { exitCodes, FatalError, messageOf } from '../schemas/errors.ts'
import { lockDirectory } from '../sinks/pglite/directory-lock.ts'
import type { BrokerClient, Config } from './config.ts'

// Part of the composition root: with main.ts and worker.ts the only place that names adapters.
// They are loaded when they are used: an embedded start must not pay for three clients.

export interface AdapterContext {
  readonly config: Config
  readonly clock: Clock
  readonly log: Log
}

/** Holds the data directory for this process. @throws {FatalError} `DATA_DIR_LOCKED`, naming the process. */
export async function lockDataDir(dir: string): Promise<() => Promise<void>> {
  try {
    await mkdir(dir, { recursive: true })
    return await lockDirectory(dir)
  } catch (error) {
    const isHeld = error instanceof FatalError
    throw new FatalError({
      code: isHeld ? 'DATA_DIR_LOCKED' : 'DATA_DIR_UNUSABLE',
      message: isHeld ? `the data directory ${dir} is in use` : `the data directory ${dir} cannot be used`,
      why: isHeld ? error.why : messageOf(error),
      hint: isHeld
        ? 'stop that process, or set DATA_DIR to another directory'
        : 'set DATA_DIR to a directory that can be written',
      exitCode: exitCodes.dependency,
      cause: error,
    })
  }
}

export async function openBroker({ config, clock, log }: AdapterContext): Promise<Broker> {
  if (config.REDPANDA_BROKERS === undefined) {
    const { createEmbeddedBroker } = await import('../broker/embedded/embedded-broker.ts')
    const broker = createEmbeddedBroker({ dir: join(config.DATA_DIR, 'log'), clock })
    for (const { path, bytes, records } of broker.truncations)
      log('warn', 'an unfinished append was cut off the log', { path, bytes, records })
    return broker
  }
  const brokers = config.REDPANDA_BROKERS.split(',')
  return openKafka(config.BROKER_CLIENT, { brokers, clientId: 'redwick', clock, logger: log })
}

/** A broker of Kafka's protocol, with what reads it. */
export async function openKafka(client: BrokerClient, options: KafkaBrokerOptions): Promise<Broker> {
  if (client === 'kafkajs') {
    const { createKafkaBroker } = await import('../broker/kafkajs/kafkajs-broker.ts')
    return createKafkaBroker(options)
  }
  const { createFastBroker } = await import('../broker/fast/fast-broker.ts')
  return createFastBroker(options)
}

export async function openRegistry({ config }: AdapterContext): Promise<SchemaRegistry> {
  if (config.SCHEMA_REGISTRY_URL === undefined) {
    const { createEmbeddedRegistry } = await import('../registry/embedded-registry.ts')
    return createEmbeddedRegistry({ directory: join(config.DATA_DIR, 'registry') })
  }
  const { createConfluentRegistry } = await import('../registry/confluent-registry.ts')
  return createConfluentRegistry({ url: config.SCHEMA_REGISTRY_URL })
}

export async function openStore({ config, log }: AdapterContext): Promise<CandleStore> {
  if (config.DATABASE_URL === undefined) {
    const { createPgliteStore } = await import('../sinks/pglite/pglite-store.ts')
    return createPgliteStore({ dir: join(config.DATA_DIR, 'store'), logger: log })
  }
  const { createPostgresStore } = await import('../sinks/postgres/postgres-store.ts')
  return createPostgresStore({ url: config.DATABASE_URL, logger: log })
}

export async function openSnapshot({ config, log }: AdapterContext): Promise<Snapshot> {
  if (config.REDIS_URL === undefined) {
    const { createMemorySnapshot } = await import('../sinks/snapshot/memory-snapshot.ts')
    return createMemorySnapshot()
  }
  const { createRedisSnapshot } = await import('../sinks/snapshot/redis-snapshot.ts')
  return createRedisSnapshot({ url: config.REDIS_URL, prefix: `redwick:${config.TOPIC_PREFIX}`, logger: log })
}
