import { createFastBroker } from '../broker/fast/fast-broker.ts'
import type { Broker } from '../ports/broker.ts'
import { createEmbeddedRegistry } from '../registry/embedded-registry.ts'
import { topicNames } from '../schemas/topics.ts'
import { startKafka } from '../test/services/kafka.ts'
import { startPostgres } from '../test/services/postgres.ts'
import { createCodecs } from '../topology/codecs.ts'
import { systemClock } from '../topology/system-clock.ts'
import type { EngineRunOptions, Pass } from './engine-run.ts'
import { produceBacklog } from './kafka-backlog.ts'
import { started } from './needs.ts'
import { type BenchOptions, type Measures, spreadOf } from './outcome.ts'

const ticksDefault = 2_000_000
const prefix = 'bench.'

/** A broker that holds a backlog, and a database server. */
export interface Stage extends EngineRunOptions {
  readonly broker: Broker
  readonly loopTopic: string
}

/**
 * Starts Kafka and PostgreSQL, produces the backlog, runs `body`, ends both.
 *
 * @throws {FatalError} `BENCH_NEEDS`.
 */
export async function onStage<T>(
  options: BenchOptions,
  withLoopTopic: boolean,
  body: (stage: Stage) => Promise<T>,
): Promise<T> {
  const { ticks = ticksDefault, symbols, partitions, tell } = options
  const kafka = await started('a Kafka broker', () => startKafka())
  try {
    const postgres = await started('a PostgreSQL server', () => startPostgres())
    try {
      const broker = createFastBroker({ brokers: [kafka.brokers], clientId: 'redwick-bench', clock: systemClock })
      const topics = topicNames(prefix)
      const codecs = await createCodecs(await createEmbeddedRegistry(), topics)
      const loopTopic = `${prefix}loop-ticks`
      tell(`${ticks} ticks are produced`)
      const backlog = await produceBacklog({
        ...{ broker, codecs, ticks, symbols, partitions },
        topic: topics.ticks,
        loopTopic: withLoopTopic ? loopTopic : undefined,
      })
      try {
        return await body({ broker, loopTopic, brokers: kafka.brokers, postgresUrl: postgres.url, prefix, backlog })
      } finally {
        await broker.close()
      }
    } finally {
      await postgres.stop()
    }
  } finally {
    await kafka.stop()
  }
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
