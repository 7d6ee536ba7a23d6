import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { createKafkaBroker } from '../../broker/kafkajs/kafkajs-broker.ts'
import { connect } from '../../gateway/testing/client.ts'
import type { OutgoingRecord } from '../../ports/broker.ts'
import { createConfluentRegistry } from '../../registry/confluent-registry.ts'
import { topicNames } from '../../schemas/topics.ts'
import { createCodecs } from '../../topology/codecs.ts'
import { createRandom } from '../../topology/random.ts'
import { systemClock } from '../../topology/system-clock.ts'
import { ensureTopics } from '../../topology/topics.ts'
import { asAdmin } from '../chaos/admin.ts'
import { msUntilCommitted } from '../chaos/observe.ts'
import { watchStream } from '../chaos/stream-watch.ts'
import { judge, noteAcknowledged } from '../chaos/verdict.ts'
import { createWorkload } from '../chaos/workload.ts'
import { type RunningCli, startCli } from '../cli.ts'
import { freePort } from '../services/free-port.ts'
import { postgresBin } from '../services/postgres.ts'
import { run } from '../services/service-process.ts'
import { describeServices } from '../services/services.ts'
import { serviceProfile } from './profiles.ts'

const partitions = 4
const stepMs = 100
const pieceMs = 15_000

describeServices(['kafka', 'registry', 'postgres', 'redis'], 'a store restored from a backup', (services) => {
  it('reads the rest of the log again and ends as if nothing had been; clients that remember what was begin anew', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'redwick-restore-'))
    const { environment, drop } = await serviceProfile(services, dir)
    const prefix = environment['TOPIC_PREFIX'] ?? ''
    const databaseUrl = environment['DATABASE_URL'] ?? ''
    const port = await freePort()
    const url = `http://127.0.0.1:${port}`
    const topics = topicNames(prefix)
    const broker = createKafkaBroker({ brokers: [services.kafka.brokers], clientId: 'test', clock: systemClock })
    const registry = createConfluentRegistry({ url: services.registry.url })
    const codecs = await createCodecs(registry, topics)
    await ensureTopics(broker, topics, partitions)
    const workload = createWorkload({ random: createRandom(7), codecs, partitions, start: Date.now() })
    const producer = await broker.createProducer()
    let elapsed = 0
    const acknowledged = new Map<string, number>()
    const send = async (records: readonly OutgoingRecord[]): Promise<void> => {
      await producer.send(topics.ticks, records)
      noteAcknowledged(acknowledged, records)
    }
    const feed = async (): Promise<void> => {
      for (const end = elapsed + pieceMs; elapsed < end; elapsed += stepMs) await send(workload.next(elapsed))
    }
    const committed = () => msUntilCommitted({ broker, topics, databaseUrl }, 60_000)
    const start = async (): Promise<RunningCli> => {
      const running = startCli(['topology', '--feed', 'none'], { ...environment, PORT: String(port) })
      await running.sees(/partitions assigned/)
      await running.sees(/ready at/)
      return running
    }
    /** What a client that follows a channel would resume from. */
    const subscribe = async (since?: unknown) => {
      const client = connect(url)
      client.send({ op: 'subscribe', channels: [{ symbol: 'BTC-USD', interval: '1m', snapshot: 1000, since }] })
      const subscribed = await client.next('subscribed')
      const snapshot = await client.next('snapshot')
      client.close()
      const [result] = subscribed['results'] as { store: string; mode: string }[]
      const { e, q, seq } = snapshot
      return { mode: result?.mode, token: { store: result?.store, e, q, seq } }
    }

    let running = await start()
    try {
      await feed()
      await committed()
      const dump = join(dir, 'backup.sql')
      await run(join(postgresBin(), 'pg_dump'), ['--dbname', databaseUrl, '--file', dump])
      await feed()
      await committed()
      await sleep(2_000) // the group's offsets follow the commit
      const before = await subscribe()
      expect(before.mode).toBe('snapshot')
      running.process.kill('SIGTERM')
      expect(await running.ended).toMatchObject({ code: 0 })

      const name = new URL(databaseUrl).pathname.slice(1)
      await asAdmin(services.postgres.url, `DROP DATABASE ${name} WITH (FORCE)`, `CREATE DATABASE ${name}`)
      await run(join(postgresBin(), 'psql'), ['--quiet', '--dbname', databaseUrl, '--file', dump])
      await feed()
      running = await start()
      expect(running.stderr()).toMatch(/the store is older than what was read of the log/)
      const after = await subscribe(before.token)
      expect(after.mode).toBe('reset')
      expect(after.token.store).not.toBe(before.token.store)
      await feed()
      await send(workload.end())
      const streams = [watchStream(url, workload.symbols, ['1m', '1h'])]
      const { violations, oracle } = await judge(
        {
          broker,
          databaseUrl,
          topics,
          codecs,
          known: workload.known,
          acknowledged,
          streams,
          mendedAt: performance.now(),
          isRestored: true,
        },
        60_000,
      )
      for (const stream of streams) stream.close()
      expect(violations).toEqual([])
      expect(oracle.used).toBeGreaterThan(1_000)
    } finally {
      running.process.kill('SIGTERM')
      await running.ended
      await producer.close()
      await registry.close()
      await broker.close()
      await drop()
      await rm(dir, { recursive: true, force: true })
    }
  }, 240_000)
})
