import { runEngine } from './engine-run.ts'
import { onStage } from './kafka-stage.ts'
import { type BenchOptions, type BenchOutcome, type Measures, repeated, spreadOf } from './outcome.ts'

const symbolCounts = [100, 100_000]
const ticksDefault = 2_000_000

/** `memory`: greatest resident memory of an engine that works off a backlog, with few symbols and with many. */
export async function memory(options: BenchOptions): Promise<BenchOutcome> {
  const { ticks = ticksDefault, runs, partitions, tell } = options
  const cases: Record<string, Measures> = {}
  for (const symbols of symbolCounts) {
    const passes = await onStage({ ...options, ticks, symbols }, false, (stage) =>
      repeated(runs, (run) => {
        tell(run < 0 ? `memory: ${symbols} symbols` : `memory: ${symbols} symbols, run ${run + 1} of ${runs}`)
        return runEngine(stage, 'fast')
      }),
    )
    cases[`${symbols} symbols`] = { rssMiB: spreadOf(passes.map(({ rssMiB }) => rssMiB)) }
  }
  return { bench: 'memory', runs, measures: { ticks, partitions }, cases }
}
