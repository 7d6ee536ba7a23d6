import { type BrokerClient, brokerClients } from '../topology/config.ts'
import { type Pass, runEngine } from './engine-run.ts'
import { onStage, passMeasures } from './kafka-stage.ts'
import { type BenchOptions, type BenchOutcome, repeated, spreadOf } from './outcome.ts'

/** `end-to-end`: a backlog in Kafka to candles in PostgreSQL, exactly once, with a checkpoint each second; with each client in turn. */
export async function endToEnd(options: BenchOptions): Promise<BenchOutcome> {
  return onStage(options, false, async (stage) => {
    const turns = await repeated(options.runs, async (run) => {
      options.tell(run < 0 ? 'end-to-end: warm-up' : `end-to-end: run ${run + 1} of ${options.runs}`)
      const passes = {} as Record<BrokerClient, Pass>
      for (const client of brokerClients) passes[client] = await runEngine(stage, client)
      return passes
    })
    const { ticks, baseCandles } = stage.backlog
    const ratioOfTurns = spreadOf(turns.map(({ fast, kafkajs }) => fast.ticksPerSecond / kafkajs.ticksPerSecond))
    return {
      bench: 'end-to-end',
      runs: options.runs,
      measures: { ratioOfTurns, ticks, baseCandles, partitions: options.partitions },
      cases: Object.fromEntries(
        brokerClients.map((client) => [client, passMeasures(turns.map((passes) => passes[client]))]),
      ),
    }
  })
}
