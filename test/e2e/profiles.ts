import { randomUUID } from 'node:crypto'
import type { Services } from '../services/services.ts'
import type { Profile } from './real-input.ts'

/** A run on real services that shares nothing with any other run: topics, database and keys of its own. */
export async function serviceProfile(
  { kafka, registry, postgres, redis }: Pick<Services, 'kafka' | 'registry' | 'postgres' | 'redis'>,
  dir: string,
): Promise<Profile> {
  const database = await postgres.createDatabase()
  return {
    environment: {
      DATA_DIR: dir,
      TOPIC_PREFIX: `t${randomUUID().slice(0, 8)}.`,
      REDPANDA_BROKERS: kafka.brokers,
      SCHEMA_REGISTRY_URL: registry.url,
      DATABASE_URL: database.url,
      REDIS_URL: redis.url,
    },
    drop: () => database.drop(),
  }
}
