import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { cp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { freePort } from './free-port.ts'
import { mavenFolder } from './maven.ts'
import { cacheDir } from './paths.ts'
import { inServiceDir, portAnswers, run, spawnService, untilReady } from './service-process.ts'

const version = '4.3.1'

interface KafkaService {
  readonly brokers: string
  readonly pid: number
  stop(): Promise<void>
  kill(): Promise<void>
}

interface KafkaOptions {
  /** Keeps its data here and leaves it; default: a temporary folder that `stop` removes. */
  readonly dir?: string
  readonly port?: number
  /** More listeners, each for one client that finds the broker through a proxy. */
  readonly proxied?: readonly ProxiedListener[]
  /** Where the controller listens; needed where a second broker is to join. */
  readonly controllerPort?: number
  /** A second broker, of the cluster whose controller is at `controllerPort`. */
  readonly joins?: boolean
  /** Of each topic, the cluster's own included; default 1. */
  readonly replicas?: number
}

interface ProxiedListener {
  readonly port: number
  /** Port of the proxy before it: what the broker tells this client. */
  readonly advertised: number
}

/**
 * One Apache Kafka broker and controller (KRaft) on the loopback interface, or a broker that joins it; jars from `.cache` or Maven.
 *
 * @throws {Error} When there is no Java, no jars, or it does not start within a minute.
 */
export async function startKafka(options: KafkaOptions = {}): Promise<KafkaService> {
  const jars = await kafkaJars()
  const port = options.port ?? (await freePort())
  return inServiceDir('kafka', options.dir, async (dir, clean) => {
    const properties = join(dir, 'server.properties')
    const logDir = join(dir, 'log')
    const controllerPort = options.controllerPort ?? (await freePort())
    await writeFile(properties, serverProperties({ ...options, logDir, port, controllerPort }))
    if (!existsSync(logDir)) {
      await cp(await formattedLog(jars), logDir, { recursive: true })
      if (options.joins) await joinCluster(logDir)
    }
    const logFile = join(dir, 'broker.out')
    const args = [...jvmArguments, '-cp', `${jars}/*`, 'kafka.Kafka', properties]
    const broker = spawnService({ command: 'java', args, logFile })
    await untilReady(broker, logFile, () => portAnswers(port))
    return {
      brokers: `127.0.0.1:${port}`,
      pid: broker.pid,
      // An orderly end takes seconds; data that nobody keeps needs none.
      stop: () => (options.dir === undefined ? broker.kill() : broker.stop()).then(clean),
      kill: () => broker.kill().then(clean),
    }
  })
}

const jvmArguments = ['-Xms256m', '-Xmx256m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Xshare:auto']

function kafkaJars(): Promise<string> {
  const pom = join(import.meta.dirname, 'kafka', 'pom.xml')
  return mavenFolder(`kafka-${version}`, (dir) => [
    '-f',
    pom,
    'dependency:copy-dependencies',
    '-DincludeScope=runtime',
    `-DoutputDirectory=${dir}`,
  ])
}

/** An empty, formatted log folder, made once: formatting costs a start of the JVM. */
async function formattedLog(jars: string): Promise<string> {
  const formatted = join(cacheDir, `kafka-${version}-formatted`)
  if (existsSync(formatted)) return formatted
  const part = `${formatted}.${process.pid}.part`
  const properties = `${part}.properties`
  await writeFile(properties, serverProperties({ logDir: part, port: 9092, controllerPort: 9093 }))
  // A letter first: the tool takes an id with a leading '-' for an option.
  const id = `L${randomBytes(15).toString('base64url').slice(0, 20)}Q`
  const tool = ['-XX:TieredStopAtLevel=1', '-cp', `${jars}/*`, 'kafka.tools.StorageTool', 'format', '-t', id]
  await run('java', [...tool, '-c', properties])
  await rm(properties)
  await rename(part, formatted).catch(() => rm(part, { recursive: true }))
  return formatted
}

/** Makes the log folder of the first broker one of a second. */
async function joinCluster(logDir: string): Promise<void> {
  const meta = join(logDir, 'meta.properties')
  const { ['cluster.id']: cluster = '' } = Object.fromEntries(
    (await readFile(meta, 'utf8')).split('\n').map((line) => line.split('=')),
  ) as Record<string, string>
  const directory = `L${randomBytes(15).toString('base64url').slice(0, 20)}Q`
  await writeFile(meta, `node.id=2\ndirectory.id=${directory}\nversion=1\ncluster.id=${cluster}\n`)
  await rm(join(logDir, 'bootstrap.checkpoint'))
}

interface ServerPlaces extends Pick<KafkaOptions, 'proxied' | 'joins' | 'replicas'> {
  readonly logDir: string
  readonly port: number
  readonly controllerPort: number
}

function serverProperties({
  logDir,
  port,
  controllerPort,
  proxied = [],
  joins = false,
  replicas = 1,
}: ServerPlaces): string {
  const more = (text: (one: ProxiedListener, name: string) => string): string =>
    proxied.map((one, i) => `,${text(one, `PROXIED${i}`)}`).join('')
  const listeners = more((one, name) => `${name}://127.0.0.1:${one.port}`)
  const advertised = more((one, name) => `${name}://127.0.0.1:${one.advertised}`)
  const controller = joins ? '' : `,CONTROLLER://127.0.0.1:${controllerPort}`
  return `process.roles=${joins ? 'broker' : 'broker,controller'}
node.id=${joins ? 2 : 1}
controller.quorum.voters=1@127.0.0.1:${controllerPort}
listeners=PLAINTEXT://127.0.0.1:${port}${controller}${listeners}
advertised.listeners=PLAINTEXT://127.0.0.1:${port}${advertised}
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT${more((_, name) => `${name}:PLAINTEXT`)}
inter.broker.listener.name=PLAINTEXT
log.dirs=${logDir}
num.partitions=1
auto.create.topics.enable=false
offsets.topic.replication.factor=${replicas}
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=${replicas}
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
min.insync.replicas=1
default.replication.factor=${replicas}
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
log.retention.hours=-1
num.network.threads=2
num.io.threads=4
`
}
