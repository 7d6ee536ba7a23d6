import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createFastBroker } from '../../broker/fast/fast-broker.ts'
import { createKafkaBroker } from '../../broker/kafkajs/kafkajs-broker.ts'
import type { Broker, OutgoingRecord } from '../../ports/broker.ts'
import { createConfluentRegistry } from '../../registry/confluent-registry.ts'
import { messageOf, TransientError } from '../../schemas/errors.ts'
import { type TopicNames, topicNames } from '../../schemas/topics.ts'
import { type Codecs, createCodecs } from '../../topology/codecs.ts'
import { systemClock } from '../../topology/system-clock.ts'
import { ensureTopics } from '../../topology/topics.ts'
import { freePort } from '../services/free-port.ts'
import { asAdmin } from './admin.ts'
import { type Ended, type Member, startMember } from './members.ts'
import { msUntil } from './observe.ts'
import type { Platform } from './platform.ts'
import { engineNames, type MemberName, memberNames } from './script.ts'

const partitions = 4
/** Until the members own their partitions and serve. */
const startMsMax = 60_000
const sendAgainMs = 200
/** Of a process, in an error. */
const saidMax = 1_000

/** Two engines and a gateway, on topics, a database and a snapshot of their own. */
export interface Deployment {
  readonly broker: Broker
  readonly topics: TopicNames
  readonly codecs: Codecs
  readonly partitions: number
  /** Without a proxy. */
  readonly databaseUrl: string
  readonly gatewayUrl: string
  readonly members: Readonly<Record<MemberName, Member>>
  /** To `ticks`. Sends until it is taken: what arrived of a failed attempt is there twice, as in life. */
  send(records: readonly OutgoingRecord[]): Promise<void>
  /** SIGTERM to all. @returns How they ended. */
  stop(): Promise<readonly Ended[]>
  /** Ends and removes what is left. */
  close(): Promise<void>
}

const withPort = (url: string, port: number): string => {
  const changed = new URL(url)
  changed.port = String(port)
  return changed.href
}

async function createDatabase({ disk, postgresUrl }: Platform, name: string): Promise<void> {
  const [found] = await asAdmin(postgresUrl, `SELECT 1 FROM pg_tablespace WHERE spcname = 'small'`)
  if (disk !== undefined && found === undefined)
    await asAdmin(postgresUrl, `CREATE TABLESPACE small LOCATION '${disk.location}'`)
  await asAdmin(postgresUrl, `CREATE DATABASE ${name}${disk === undefined ? '' : ' TABLESPACE small'}`)
}

interface DeploymentOptions {
  /** The checkout whose engines are run; ours if left out. */
  readonly from?: string | undefined
  /** Nothing is to be cut: no proxies, which take their share of the processor, and the fast client here, too. */
  readonly isDirect?: boolean
}

export async function startDeployment(
  platform: Platform,
  { from, isDirect = false }: DeploymentOptions = {},
): Promise<Deployment> {
  const run = randomUUID().slice(0, 8)
  const name = `chaos_${run}`
  const prefix = `c${run}.`
  const topics = topicNames(prefix)
  const dir = await mkdtemp(join(platform.dir, 'run-'))
  await createDatabase(platform, name)
  const databaseUrl = new URL(platform.postgresUrl)
  databaseUrl.pathname = `/${name}`
  const gatewayPort = await freePort()
  const createBroker = isDirect ? createFastBroker : createKafkaBroker
  const broker = createBroker({ brokers: [platform.brokers], clientId: 'chaos', clock: systemClock })
  const registry = createConfluentRegistry({ url: platform.registryUrl })
  const codecs = await createCodecs(registry, topics)
  // When something was said is the broker's word.
  const config = { 'message.timestamp.type': 'LogAppendTime' }
  await broker.admin.createTopic({ topic: topics.candlesLive, partitions, config })
  await ensureTopics(broker, topics, partitions)
  const producer = await broker.createProducer()

  const environmentOf = (member: MemberName): Record<string, string> => {
    const { kafka, postgres, redis } = platform.wires[member]
    const places = isDirect
      ? { REDPANDA_BROKERS: platform.brokers, DATABASE_URL: databaseUrl.href, REDIS_URL: platform.redisUrl }
      : {
          REDPANDA_BROKERS: `127.0.0.1:${kafka.port}`,
          DATABASE_URL: withPort(databaseUrl.href, postgres.port),
          REDIS_URL: `redis://127.0.0.1:${redis.port}`,
        }
    return {
      DATA_DIR: join(dir, member),
      TOPIC_PREFIX: prefix,
      SCHEMA_REGISTRY_URL: platform.registryUrl,
      ...places,
      ...(member === 'gateway' ? { PORT: String(gatewayPort) } : {}),
    }
  }
  const start = (member: MemberName): Member =>
    member === 'gateway'
      ? startMember(member, ['topology', '--role', 'gateway'], environmentOf(member))
      : startMember(member, ['topology', '--role', 'engine'], environmentOf(member), from)
  const members = Object.fromEntries(memberNames.map((member) => [member, start(member)])) as Record<MemberName, Member>
  const all = Object.values(members)

  const deployment: Deployment = {
    ...{ broker, topics, codecs, partitions, members },
    databaseUrl: databaseUrl.href,
    gatewayUrl: `http://127.0.0.1:${gatewayPort}`,
    async send(records) {
      for (;;) {
        try {
          await producer.send(topics.ticks, records)
          return
        } catch (error) {
          if (!(error instanceof TransientError)) throw error
          await sleep(sendAgainMs)
        }
      }
    },
    stop: () => Promise.all(all.map((member) => member.stop())),
    async close() {
      for (const member of all) member.signal('SIGKILL')
      await Promise.all(all.map((member) => member.stop()))
      await registry.close()
      await broker.close()
      // Where the server is gone, why that is so is the error to be told.
      await asAdmin(platform.postgresUrl, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`).catch((error: unknown) =>
        console.error(`the database ${name} stays: ${messageOf(error)}`),
      )
      await rm(dir, { recursive: true, force: true })
    },
  }
  const isUp = (): boolean =>
    engineNames.some((engine) => members[engine].said().includes('partitions assigned')) &&
    members.gateway.said().includes('ready at')
  try {
    await msUntil('the platform starts', isUp, startMsMax)
    return deployment
  } catch (error) {
    const said = all.map((member) => member.said().slice(-saidMax)).join('\n')
    await deployment.close()
    throw new Error(`${messageOf(error)}:\n${said}`)
  }
}
