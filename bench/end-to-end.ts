import { runEngine } from './engine-run.ts'
import { onStage, passMeasures } from './kafka-stage.ts'
import { type BenchOptions, type BenchOutcome, repeated } from './outcome.ts'

/** `end-to-end`: a backlog in Kafka to candles in PostgreSQL, exactly once, with a checkpoint each second. */
export async function endToEnd(options: BenchOptions): Promise<BenchOutcome> {
  return onStage(options, false, async (stage) => {
    const passes = await repeated(options.runs, (run) => {
      options.tell(run < 0 ? 'end-to-end: warm-up' : `end-to-end: run ${run + 1} of ${options.runs}`)
      return runEngine(stage)
    })
    const { ticks, baseCandles } = stage.backlog
    return {
      bench: 'end-to-end',
      runs: options.runs,
      measures: { ...passMeasures(passes), ticks, baseCandles, partitions: options.partitions },
    }
  })
}
