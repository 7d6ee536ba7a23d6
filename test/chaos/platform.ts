import { readFileSync } from 'node:fs'
import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { startApicurio } from '../services/apicurio.ts'
import { freePort } from '../services/free-port.ts'
import { startKafka } from '../services/kafka.ts'
import { startPostgres } from '../services/postgres.ts'
import { startRedis } from '../services/redis.ts'
import { type FaultProxy, startFaultProxy } from './fault-proxy.ts'
import { type MemberName, memberNames, type WireName } from './script.ts'
import { type SmallDisk, startSmallDisk } from './small-disk.ts'
import { watchKafka, watchPostgres } from './wire-watches.ts'

type Wires = Readonly<Record<WireName, FaultProxy>>

/** One service that can be ended and comes back in the same place. */
interface Restartable {
  /** The hard way; resolves when it answers again. */
  restart(downMs: number): Promise<void>
}

/** The real services, and between each of them and each process a proxy. */
export interface Platform {
  /** A folder that goes with it. */
  readonly dir: string
  readonly brokers: string
  readonly registryUrl: string
  /** Of the server, without a proxy. */
  readonly postgresUrl: string
  readonly redisUrl: string
  readonly wires: Readonly<Record<MemberName, Wires>>
  readonly broker: Restartable
  readonly database: Restartable
  readonly snapshot: Restartable
  /** All that the database server has written to its log. */
  databaseSaid(): string
  /** Where the tables are; undefined where nothing can be mounted. */
  readonly disk: SmallDisk | undefined
  close(): Promise<void>
}

const host = '127.0.0.1'

interface Service {
  readonly pid: number
  kill(): Promise<void>
  stop(): Promise<void>
}

const startsMax = 60
const startAgainMs = 1_000

/** Starts it until it stays, as a supervisor would: a database ends again while its disk is full. */
async function started<One>(start: () => Promise<One>): Promise<One> {
  for (let starts = 1; ; starts++) {
    try {
      return await start()
    } catch (error) {
      if (starts === startsMax) throw error
      await sleep(startAgainMs)
    }
  }
}

/** @param end How it is ended. */
async function restartable<One extends Service>(
  start: () => Promise<One>,
  end: (one: One) => Promise<void>,
): Promise<Restartable & { readonly current: () => One }> {
  let current = await start()
  let lane: Promise<void> = Promise.resolve()
  return {
    current: () => current,
    restart(downMs) {
      lane = lane.then(async () => {
        await end(current)
        await sleep(downMs)
        current = await started(start)
      })
      return lane
    },
  }
}

async function startWires(ports: Readonly<Record<WireName, number>>): Promise<Wires> {
  return {
    kafka: await startFaultProxy(ports.kafka, watchKafka),
    postgres: await startFaultProxy(ports.postgres, watchPostgres),
    redis: await startFaultProxy(ports.redis),
  }
}

interface PlatformOptions {
  /** Whether the tables stand on a small disk that can be filled. */
  readonly isDiskSmall: boolean
}

/** The whole of a script: starts the platform, ends it whatever comes, and exits with 0 where `use` says that all is well. */
export async function onPlatform(
  options: PlatformOptions,
  use: (platform: Platform) => Promise<boolean>,
): Promise<never> {
  const platform = await startPlatform(options)
  let isWell = false
  try {
    isWell = await use(platform)
  } finally {
    await platform.close()
  }
  process.exit(isWell ? 0 : 1)
}

async function startPlatform({ isDiskSmall }: PlatformOptions): Promise<Platform> {
  const dir = await mkdtemp(join(tmpdir(), 'redwick-chaos-'))
  await chmod(dir, 0o755) // PostgreSQL runs as another user than we
  const closers: (() => Promise<void>)[] = [() => rm(dir, { recursive: true, force: true })]
  const close = async (): Promise<void> => {
    for (const closer of closers.splice(0).reverse()) await closer()
  }
  // What is started ends with us, whatever ends us, in the middle of the start too.
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => void close().finally(() => process.exit(1)))
  try {
    const [kafkaPort, postgresPort, redisPort] = [await freePort(), await freePort(), await freePort()]
    const wires = {} as Record<MemberName, Wires>
    const listeners: { port: number; advertised: number }[] = []
    for (const member of memberNames) {
      const port = await freePort()
      const made = await startWires({ kafka: port, postgres: postgresPort, redis: redisPort })
      closers.push(async () => void (await Promise.all(Object.values(made).map((proxy) => proxy.close()))))
      wires[member] = made
      listeners.push({ port, advertised: made.kafka.port })
    }
    const disk = isDiskSmall ? await startSmallDisk(join(dir, 'disk')) : undefined
    if (disk !== undefined) closers.push(() => disk.close())
    await Promise.all([mkdir(join(dir, 'kafka')), mkdir(join(dir, 'postgres'))])
    const [registry, broker, database, snapshot] = await Promise.all([
      startApicurio(),
      restartable(
        () => startKafka({ dir: join(dir, 'kafka'), port: kafkaPort, proxied: listeners }),
        (one) => one.kill(),
      ),
      restartable(
        () => startPostgres({ dir: join(dir, 'postgres'), port: postgresPort }),
        async (one) => {
          process.kill(one.pid, 'SIGQUIT') // its immediate shutdown; nothing asked later makes it gentler
          await one.stop()
        },
      ),
      restartable(
        () => startRedis({ port: redisPort }),
        (one) => one.kill(),
      ),
    ])
    closers.push(
      () => registry.stop(),
      () => broker.current().kill(),
      () => database.current().kill(),
      () => snapshot.current().stop(),
    )
    return {
      dir,
      brokers: `${host}:${kafkaPort}`,
      registryUrl: registry.url,
      postgresUrl: database.current().url,
      redisUrl: `redis://${host}:${redisPort}`,
      databaseSaid: () => readFileSync(join(dir, 'postgres', 'postgres.out'), 'utf8'),
      ...{ wires, broker, database, snapshot, disk, close },
    }
  } catch (error) {
    await close()
    throw error
  }
}
