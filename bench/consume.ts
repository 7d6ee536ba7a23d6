import { randomUUID } from 'node:crypto'
import { createEmbeddedRegistry } from '../registry/embedded-registry.ts'
import { invariant } from '../schemas/errors.ts'
import { Interner } from '../schemas/interner.ts'
import { createTickColumnDecoder } from '../schemas/tick-column-decoder.ts'
import { topicNames } from '../schemas/topics.ts'
import { openKafka } from '../topology/adapters.ts'
import { createCodecs } from '../topology/codecs.ts'
import { type BrokerClient, brokerClients } from '../topology/config.ts'
import { systemClock as clock } from '../topology/system-clock.ts'
import { onStage, type Stage } from './kafka-stage.ts'
import { type BenchOptions, type BenchOutcome, repeated, spreadOf } from './outcome.ts'

interface Reading {
  readonly ticksPerSecond: number
  readonly cpuMicrosPerTick: number
}

/** Reads the backlog once into columns, and does nothing with them. From the first batch to the last. */
async function readAll({ brokers, topic, prefix, backlog }: Stage, client: BrokerClient): Promise<Reading> {
  const broker = await openKafka(client, { brokers: brokers.split(','), clientId: 'redwick-bench', clock })
  const registry = await createEmbeddedRegistry()
  await createCodecs(registry, topicNames(prefix)) // its schemas have the ids of the backlog's then
  const ends = new Map([...(await broker.admin.offsets(topic))].map(([partition, { latest }]) => [partition, latest]))
  const columns = { symbols: new Interner(), lines: new Interner() }
  let [ticks, startedAt] = [0, 0]
  let cpu = process.cpuUsage()
  try {
    const reading = await new Promise<Reading>((resolve, reject) => {
      broker
        .subscribe({
          topic,
          groupId: `bench-${randomUUID()}`,
          decoder: createTickColumnDecoder({ ...columns, fetchSchema: (id) => registry.schema(id) }),
          handler: {
            assigned: async (partitions) => new Map(partitions.map((partition) => [partition, 0])),
            revoked: async () => undefined,
            failed: reject,
            async batch(batch) {
              if (ticks === 0) {
                startedAt = performance.now()
                cpu = process.cpuUsage()
              }
              ticks += batch.columns.length
              if (batch.nextOffset >= (ends.get(batch.partition) ?? 0)) ends.delete(batch.partition)
              if (ends.size > 0) return
              const { user, system } = process.cpuUsage(cpu)
              const seconds = (performance.now() - startedAt) / 1000
              resolve({ ticksPerSecond: ticks / seconds, cpuMicrosPerTick: (user + system) / ticks })
            },
          },
        })
        .catch(reject)
    })
    invariant(ticks === backlog.ticks, `every one of ${backlog.ticks} ticks is a row, were ${ticks}`)
    return reading
  } finally {
    await broker.close()
  }
}

/** `consume`: a backlog in Kafka to columns, by each client in turn, in this process. */
export async function consume(options: BenchOptions): Promise<BenchOutcome> {
  const { runs, partitions, tell } = options
  return onStage(options, false, async (stage) => {
    const turns = await repeated(runs, async (run) => {
      tell(run < 0 ? 'consume: warm-up' : `consume: run ${run + 1} of ${runs}`)
      const readings = {} as Record<BrokerClient, Reading>
      // Each is first every other time.
      for (const client of run % 2 === 0 ? brokerClients : brokerClients.toReversed())
        readings[client] = await readAll(stage, client)
      return readings
    })
    const ratioOfTurns = spreadOf(turns.map(({ fast, kafkajs }) => fast.ticksPerSecond / kafkajs.ticksPerSecond))
    return {
      bench: 'consume',
      runs,
      measures: { ratioOfTurns, ticks: stage.backlog.ticks, partitions },
      cases: Object.fromEntries(
        brokerClients.map((client) => [
          client,
          {
            ticksPerSecond: spreadOf(turns.map((readings) => readings[client].ticksPerSecond)),
            cpuMicrosPerTick: spreadOf(turns.map((readings) => readings[client].cpuMicrosPerTick)),
          },
        ]),
      ),
    }
  })
}
