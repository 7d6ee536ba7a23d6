import { type Pass, runEngine } from './engine-run.ts'
import { onStage, passMeasures } from './kafka-stage.ts'
import { loopPath, runLoop } from './loop-run.ts'
import { type BenchOptions, type BenchOutcome, type Measures, noiseOf, significant, spreadOf } from './outcome.ts'

const noiseMax = 0.2

/** One comparison: ours, theirs, theirs, ours, so that what a machine gains or loses meanwhile falls on both alike. */
interface Turn {
  readonly ours: readonly Pass[]
  readonly theirs: readonly Pass[]
}

/** Of passes over the same ticks, all of them in the time that all took. */
function speedOf(passes: readonly Pass[]): number {
  return passes.length / passes.reduce((sum, pass) => sum + 1 / pass.ticksPerSecond, 0)
}

/** The ratio of each turn, ours over theirs; withheld where the turns lie too far apart. */
function comparison(turns: readonly Turn[], allowNoise: boolean): Measures {
  const ratios = spreadOf(turns.map((turn) => speedOf(turn.ours) / speedOf(turn.theirs)))
  const noise = noiseOf(ratios)
  if (noise > noiseMax && !allowNoise)
    return {
      ratio: `none: the ratios lie ${Math.round(noise * 100)} % apart; take a quiet machine, or --allow-noise`,
      noise: significant(noise),
    }
  return { ratio: ratios.median, ratioOfTurns: ratios, noise: significant(noise) }
}

/**
 * `peers`: our engine (Kafka to PostgreSQL, exactly once) through kafkajs and the peers' kafkajs loop (Kafka to a topic, no guarantees)
 * over the same ticks, in turns, on one broker and one Node.
 */
export async function peers(options: BenchOptions): Promise<BenchOutcome> {
  const path = loopPath()
  return onStage(options, true, async (stage) => {
    const turns: Turn[] = []
    for (let turn = -1; turn < options.runs; turn++) {
      options.tell(turn < 0 ? 'peers: warm-up' : `peers: turn ${turn + 1} of ${options.runs}`)
      const first = await runEngine(stage, 'kafkajs')
      const theirs = [await runLoop(stage, path, options.partitions)]
      if (turn < 0) continue
      theirs.push(await runLoop(stage, path, options.partitions))
      turns.push({ ours: [first, await runEngine(stage, 'kafkajs')], theirs })
    }
    return {
      bench: 'peers',
      runs: options.runs,
      measures: {
        ...comparison(turns, options.allowNoise),
        ticks: stage.backlog.ticks,
        partitions: options.partitions,
      },
      cases: {
        redwick: passMeasures(turns.flatMap((turn) => turn.ours)),
        'kafkajs loop': passMeasures(turns.flatMap((turn) => turn.theirs)),
      },
    }
  })
}
