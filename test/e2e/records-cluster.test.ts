import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { createKafkaBroker } from '../../broker/kafkajs/kafkajs-broker.ts'
import { createConfluentRegistry } from '../../registry/confluent-registry.ts'
import type { TableRow, TableSpec } from '../../schemas/table.ts'
import { createPostgresStore } from '../../sinks/postgres/postgres-store.ts'
import { systemClock } from '../../topology/system-clock.ts'
import { type RunningCli, startCli } from '../cli.ts'
import { type ExampleJob, sessionsJob, spreadJob } from '../example-jobs.ts'
import { describeServices, type Services } from '../services/services.ts'
import { serviceProfile } from './profiles.ts'

type Needed = Pick<Services, 'kafka' | 'registry' | 'postgres' | 'redis'>

// Reduced counts here; `npm run proof -- records-cluster` runs more.
const kills = Number(process.env['KILLS'] ?? 1)
const records = Number(process.env['RECORDS'] ?? 8_000)
const pieces = 8
const limitMs = 200_000 + kills * 30_000

function tableOf<T>(job: ExampleJob<T>): TableSpec {
  for (const { end } of job.topology.stages)
    if (end.kind === 'sinks') for (const sink of end.sinks) if (sink.sink === 'table') return sink.spec
  throw new RangeError(`${job.file} writes a table`)
}

/** Two processes run the topology; now and then one of them is killed, and started again. */
async function run<T>(services: Needed, job: ExampleJob<T>, seed: number): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'redwick-records-'))
  const { environment, drop } = await serviceProfile(services, dir)
  const prefix = environment['TOPIC_PREFIX'] ?? ''
  const broker = createKafkaBroker({ brokers: services.kafka.brokers.split(','), clientId: 'test', clock: systemClock })
  const registry = createConfluentRegistry({ url: services.registry.url })
  const store = await createPostgresStore({ url: environment['DATABASE_URL'] ?? '' })
  const processes: RunningCli[] = []
  const start = (): RunningCli => startCli(['run', job.file, '--no-feed'], environment, limitMs)
  try {
    const publisher = await job.publisher({ broker, registry, prefix })
    processes.push(start(), start())
    await Promise.all(processes.map((one) => one.sees(/partitions assigned/)))
    const all = job.records(seed, records)
    const expected = job.oracle(all)
    const each = Math.ceil(all.length / pieces)
    let left = kills
    for (let i = 0; i < pieces; i++) {
      await publisher.send(all.slice(i * each, (i + 1) * each))
      await sleep(Math.floor(Math.random() * 1500))
      if (left === 0 || i % Math.max(1, Math.floor(pieces / kills)) !== 0) continue
      left -= 1
      const [victim] = processes.splice(i % 2, 1)
      victim?.process.kill('SIGKILL')
      await victim?.ended
      processes.push(start())
    }
    await publisher.close()
    await store.ensureTable(tableOf(job))
    let rows: readonly TableRow[] = []
    for (const until = Date.now() + 60_000; Date.now() < until; await sleep(500)) {
      rows = await store.rows(job.table, { limit: 1_000_000 })
      if (JSON.stringify(rows) === JSON.stringify(expected)) break
      for (const one of processes) if (one.process.exitCode !== null) throw new Error(one.stderr())
    }
    expect(rows).toEqual(expected)
    // What comes after the last change would be counted twice: nothing does.
    await sleep(3000)
    expect(await store.rows(job.table, { limit: 1_000_000 })).toEqual(expected)
    for (const one of processes) one.process.kill('SIGTERM')
    const ends = await Promise.all(processes.map((one) => one.ended))
    expect(
      ends.map(({ code }) => code),
      ends.map(({ stderr }) => stderr).join('\n'),
    ).toEqual([0, 0])
  } finally {
    for (const one of processes) if (one.process.exitCode === null) one.process.kill('SIGKILL')
    await Promise.all(processes.map((one) => one.ended))
    await store.close()
    await registry.close()
    await broker.close()
    await drop()
    await rm(dir, { recursive: true, force: true })
  }
}

describeServices(
  ['kafka', 'registry', 'postgres', 'redis'],
  'topologies of records: 4 partitions, 2 processes, on Kafka and PostgreSQL',
  (services) => {
    it(`a re-keyed topology equals its oracle after ${kills} kills`, () => run(services, sessionsJob, 2), limitMs)
    it(`a windowed join equals its oracle after ${kills} kills`, () => run(services, spreadJob, 4), limitMs)
  },
)
