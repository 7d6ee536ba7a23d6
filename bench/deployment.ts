import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createConfluentRegistry } from '../registry/confluent-registry.ts'
import { type TopicNames, topicNames } from '../schemas/topics.ts'
import { type RunningCli, startCli } from '../test/cli.ts'
import { startApicurio } from '../test/services/apicurio.ts'
import { createDatabase } from '../test/services/postgres.ts'
import { startRedis } from '../test/services/redis.ts'
import { createCodecs } from '../topology/codecs.ts'
import { type Backlog, produceBacklog } from './kafka-backlog.ts'
import { onServices, type Services } from './kafka-stage.ts'
import { started } from './needs.ts'
import type { BenchOptions } from './outcome.ts'

const prefix = 'deployed.'
const runMsMax = 300_000

/** Every service that a deployment has, and a backlog; engines are started as a user starts them. */
export interface Deployment {
  readonly services: Services
  readonly topics: TopicNames
  readonly backlog: Backlog
  /** Runs an engine on a new database while `body` lasts, then stops it. */
  withEngine<T>(args: readonly string[], body: (engine: RunningCli, databaseUrl: string) => Promise<T>): Promise<T>
}

/** @throws {FatalError} `BENCH_NEEDS`. */
export async function onDeployment<T>(
  { symbols, partitions }: BenchOptions,
  ticks: number,
  body: (deployment: Deployment) => Promise<T>,
): Promise<T> {
  const dir = await mkdtemp(join(tmpdir(), 'redwick-deployment-'))
  const registryService = await started('a schema registry', () => startApicurio())
  try {
    const redis = await started('a Redis server', () => startRedis())
    try {
      return await onServices(async (services) => {
        const { broker, brokers, postgresUrl } = services
        const topics = topicNames(prefix)
        const registry = createConfluentRegistry({ url: registryService.url })
        const codecs = await createCodecs(registry, topics)
        await registry.close()
        const given = { broker, codecs, topic: topics.ticks, peerTopic: undefined, ticks, symbols, partitions }
        const backlog = await produceBacklog(given)
        return body({
          ...{ services, topics, backlog },
          async withEngine(args, run) {
            const database = await createDatabase(postgresUrl)
            const environment = {
              DATA_DIR: dir,
              TOPIC_PREFIX: prefix,
              REDPANDA_BROKERS: brokers,
              SCHEMA_REGISTRY_URL: registryService.url,
              DATABASE_URL: database.url,
              REDIS_URL: redis.url,
            }
            const engine = startCli(['topology', '--role', 'engine', ...args], environment, runMsMax)
            try {
              return await run(engine, database.url)
            } finally {
              engine.process.kill('SIGTERM')
              await engine.ended
              await database.drop()
            }
          },
        })
      })
    } finally {
      await redis.stop()
    }
  } finally {
    await registryService.stop()
    await rm(dir, { recursive: true, force: true })
  }
}
