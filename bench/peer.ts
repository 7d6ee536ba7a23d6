import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { mavenFolder } from '../test/services/maven.ts'
import { missing, started } from './needs.ts'

const exec = promisify(execFile)
const root = join(import.meta.dirname, '..')
const heapMax = '-Xmx2g'
const quiet = '-Dorg.slf4j.simpleLogger.defaultLogLevel=error'

/** What a peer, or a peer's results, are good for. */
export type Guarantee = 'at-least-once' | 'exactly-once'

/** A program that makes candles of the topic `$TOPIC` in `$OUT` (brokers in `$BOOT`), and says `FIRST <epoch ms>` at its first record. */
export interface Peer {
  readonly name: string
  readonly command: string
  readonly args: readonly string[]
  readonly environment: Readonly<Record<string, string>>
  readonly isTransactional: boolean
}

/** A file of the peers folder. @throws {FatalError} `BENCH_NEEDS`. */
function peerFile(...names: readonly string[]): string {
  const shared = resolve(process.env['SHARED_DIR'] ?? join(root, '..', 'shared'))
  const path = join(shared, 'peers', ...names)
  if (!existsSync(path)) throw missing(`peers/${names.join('/')} in SHARED_DIR`, 'it is not there')
  return path
}

/** The loop that a Node team writes by hand, on our Node and our kafkajs and avsc. @throws {FatalError} `BENCH_NEEDS`. */
export function kafkajsLoop(): Peer {
  return {
    name: 'kafkajs loop',
    command: process.execPath,
    args: [peerFile('node', 'loop.js')],
    environment: { NODE_PATH: join(root, 'node_modules'), MODE: 'eachBatch' },
    isTransactional: false,
  }
}

/**
 * An engine in Java: its jars by Maven, its class compiled.
 *
 * @param dir A folder for classes, and for what the engine keeps.
 * @throws {FatalError} `BENCH_NEEDS`.
 */
async function javaPeer(folder: string, main: string, dir: string): Promise<Pick<Peer, 'command' | 'args'>> {
  const source = peerFile('java', folder, `${main}.java`)
  const jars = await started('Java, Maven and the jars of the peers', async () => {
    const filled = await mavenFolder(`peers-${folder}`, (out) => [
      ...['-f', peerFile('java', folder, 'pom.xml'), 'dependency:copy-dependencies'],
      ...[`-DoutputDirectory=${out}`, '-DincludeScope=runtime'],
    ])
    await exec('javac', ['-d', join(dir, folder), '-cp', `${filled}/*`, source])
    return filled
  })
  return { command: 'java', args: [heapMax, '-cp', `${join(dir, folder)}:${jars}/*`, quiet, main] }
}

/** Flink in one process, two slots, objects used again, state on the heap, a checkpoint each second. */
export async function flink(guarantee: Guarantee, dir: string): Promise<Peer> {
  const isTransactional = guarantee === 'exactly-once'
  const { command, args } = await javaPeer('flink', 'FL', dir)
  // Its serialisers reach into these.
  const opens = ['util', 'lang', 'time'].map((name) => `--add-opens=java.base/java.${name}=ALL-UNNAMED`)
  return {
    ...{ name: 'Flink', command, args: [...opens, ...args], isTransactional },
    environment: { PEERS_WORK: dir, PAR: '2', REUSE: '1', ...(isTransactional ? { GUAR: 'exactly_once' } : {}) },
  }
}

/** Kafka Streams with two threads, stores in memory, tuned for throughput, a commit each second. */
export async function kafkaStreams(guarantee: Guarantee, dir: string): Promise<Peer> {
  const isTransactional = guarantee === 'exactly-once'
  const made = await javaPeer('ks', 'KS', dir)
  return {
    ...{ name: 'Kafka Streams', ...made, isTransactional },
    environment: {
      ...{ PEERS_WORK: dir, STORE: 'mem', COMMIT: '1000', THREADS: '2', TUNE: '1' },
      ...(isTransactional ? { GUAR: 'exactly_once_v2' } : {}),
    },
  }
}
