import { createFastBroker } from '../broker/fast/fast-broker.ts'
import type { Broker } from '../ports/broker.ts'
import { createEmbeddedRegistry } from '../registry/embedded-registry.ts'
import { type TopicNames, topicNames } from '../schemas/topics.ts'
import { startKafka } from '../test/services/kafka.ts'
import { startPostgres } from '../test/services/postgres.ts'
import { type Codecs, createCodecs } from '../topology/codecs.ts'
import { systemClock } from '../topology/system-clock.ts'
import type { EngineRunOptions, Pass } from './engine-run.ts'
import { produceBacklog } from './kafka-backlog.ts'
import { started } from './needs.ts'
import { type BenchOptions, type Measures, spreadOf } from './outcome.ts'

const ticksDefault = 2_000_000
const prefix = 'bench.'

/** A broker and a database server. */
export interface Services {
  /** Addresses. */
  readonly brokers: string
  readonly postgresUrl: string
  readonly broker: Broker
  codecsOf(topics: TopicNames): Promise<Codecs>
}

/** A broker that holds a backlog, and a database server. */
export interface Stage extends EngineRunOptions {
  readonly broker: Broker
  /** Where the backlog stands. */
  readonly topic: string
  /** Where it stands as the peers read it. */
  readonly peerTopic: string
}

/**
 * Starts Kafka and PostgreSQL, runs `body`, ends both.
 *
 * @throws {FatalError} `BENCH_NEEDS`.
 */
export async function onServices<T>(body: (services: Services) => Promise<T>): Promise<T> {
  const kafka = await started('a Kafka broker', () => startKafka())
  try {
    const postgres = await started('a PostgreSQL server', () => startPostgres())
    const { brokers } = kafka
    const broker = createFastBroker({ brokers: [brokers], clientId: 'redwick-bench', clock: systemClock })
    try {
      return await body({
        ...{ brokers, broker, postgresUrl: postgres.url },
        codecsOf: async (topics) => createCodecs(await createEmbeddedRegistry(), topics),
      })
    } finally {
      await broker.close()
      await postgres.stop()
    }
  } finally {
    await kafka.stop()
  }
}

/**
 * The same, with a backlog in the broker.
 *
 * @throws {FatalError} `BENCH_NEEDS`.
 */
export async function onStage<T>(
  options: BenchOptions,
  withPeerTopic: boolean,
  body: (stage: Stage) => Promise<T>,
): Promise<T> {
  const { ticks = ticksDefault, symbols, partitions, tell } = options
  return onServices(async ({ broker, brokers, postgresUrl, codecsOf }) => {
    const topics = topicNames(prefix)
    const codecs = await codecsOf(topics)
    const peerTopic = `${prefix}peer-ticks`
    tell(`${ticks} ticks are produced`)
    const backlog = await produceBacklog({
      ...{ broker, codecs, ticks, symbols, partitions },
      topic: topics.ticks,
      peerTopic: withPeerTopic ? peerTopic : undefined,
    })
    return body({ broker, topic: topics.ticks, peerTopic, brokers, postgresUrl, prefix, backlog })
  })
}

/** The measures of several passes. */
export function passMeasures(passes: readonly Pass[]): Measures {
  return {
    ticksPerSecond: spreadOf(passes.map((pass) => pass.ticksPerSecond)),
    ticksPerSecondFromStart: spreadOf(passes.map((pass) => pass.ticksPerSecondFromStart)),
    cpuMicrosPerTick: spreadOf(passes.map((pass) => pass.cpuMicrosPerTick)),
    rssMiB: Math.max(...passes.map((pass) => pass.rssMiB)),
  }
}
