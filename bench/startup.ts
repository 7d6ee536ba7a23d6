import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from 'pg'
import { createConfluentRegistry } from '../registry/confluent-registry.ts'
import { topicNames } from '../schemas/topics.ts'
import { startCli } from '../test/cli.ts'
import { startApicurio } from '../test/services/apicurio.ts'
import { createDatabase } from '../test/services/postgres.ts'
import { startRedis } from '../test/services/redis.ts'
import { createCodecs } from '../topology/codecs.ts'
import { produceBacklog } from './kafka-backlog.ts'
import { onServices } from './kafka-stage.ts'
import { started } from './needs.ts'
import { type BenchOptions, type BenchOutcome, repeated, spreadOf } from './outcome.ts'

const ticksDefault = 200_000
const lookEveryMs = 5
const startMsMax = 60_000
const prefix = 'startup.'

/** Until the store holds a candle. */
async function msUntilCandle(databaseUrl: string, startedAt: number): Promise<number> {
  const client = new Client({ connectionString: databaseUrl })
  await client.connect()
  try {
    while (performance.now() - startedAt < startMsMax) {
      // Until the engine has made it there is no such table.
      const found = await client.query('SELECT 1 FROM candles LIMIT 1').catch(() => undefined)
      if (found?.rowCount === 1) return performance.now() - startedAt
      await sleep(lookEveryMs)
    }
    throw new Error(`no candle within ${startMsMax} ms`)
  } finally {
    await client.end()
  }
}

/** `startup`: from the start of an engine's process, on real services with a backlog, to its first committed candle. */
export async function startup(options: BenchOptions): Promise<BenchOutcome> {
  const { ticks = ticksDefault, symbols, partitions, runs, tell } = options
  const dir = await mkdtemp(join(tmpdir(), 'redwick-startup-'))
  const registryService = await started('a schema registry', () => startApicurio())
  try {
    const redis = await started('a Redis server', () => startRedis())
    try {
      return await onServices(async ({ broker, brokers, postgresUrl }) => {
        const topics = topicNames(prefix)
        const registry = createConfluentRegistry({ url: registryService.url })
        const codecs = await createCodecs(registry, topics)
        await registry.close()
        await produceBacklog({ broker, codecs, topic: topics.ticks, peerTopic: undefined, ticks, symbols, partitions })
        const times = await repeated(runs, async (run) => {
          tell(run < 0 ? 'startup: warm-up' : `startup: run ${run + 1} of ${runs}`)
          const database = await createDatabase(postgresUrl)
          const startedAt = performance.now()
          const cli = startCli(['topology', '--role', 'engine'], {
            DATA_DIR: dir,
            TOPIC_PREFIX: prefix,
            REDPANDA_BROKERS: brokers,
            SCHEMA_REGISTRY_URL: registryService.url,
            DATABASE_URL: database.url,
            REDIS_URL: redis.url,
          })
          try {
            return await msUntilCandle(database.url, startedAt)
          } finally {
            cli.process.kill('SIGTERM')
            await cli.ended
            await database.drop()
          }
        })
        return { bench: 'startup', runs, measures: { ms: spreadOf(times), ticks, partitions } }
      })
    } finally {
      await redis.stop()
    }
  } finally {
    await registryService.stop()
    await rm(dir, { recursive: true, force: true })
  }
}
