import { type Pass, runEngine } from './engine-run.ts'
import { onStage, passMeasures } from './kafka-stage.ts'
import { loopPath, runLoop } from './loop-run.ts'
import { type BenchOptions, type BenchOutcome, type Measures, noiseOf, significant, spreadOf } from './outcome.ts'

const noiseMax = 0.2

/** The ratio of the medians, ours over theirs; withheld where the runs of either lie too far apart. */
function comparison(ours: readonly Pass[], theirs: readonly Pass[], allowNoise: boolean): Measures {
  const [our, their] = [ours, theirs].map((passes) => spreadOf(passes.map((pass) => pass.ticksPerSecond)))
  if (our === undefined || their === undefined) return {}
  const noise = Math.max(noiseOf(our), noiseOf(their))
  const percent = Math.round(noise * 100)
  if (noise > noiseMax && !allowNoise)
    return {
      ratio: `none: the runs lie ${percent} % apart; take a quiet machine, or --allow-noise`,
      noise: significant(noise),
    }
  return {
    ratio: significant(our.median / their.median),
    ratioOfPairs: spreadOf(ours.map((pass, i) => pass.ticksPerSecond / (theirs[i]?.ticksPerSecond ?? Number.NaN))),
    noise: significant(noise),
  }
}

/**
 * `peers`: our engine (Kafka to PostgreSQL, exactly once) and the peers' kafkajs loop (Kafka to a topic, no guarantees)
 * over the same ticks, in turns, on one broker and one Node.
 */
export async function peers(options: BenchOptions): Promise<BenchOutcome> {
  const path = loopPath()
  return onStage(options, true, async (stage) => {
    const ours: Pass[] = []
    const theirs: Pass[] = []
    for (let pair = -1; pair < options.runs; pair++) {
      options.tell(pair < 0 ? 'peers: warm-up' : `peers: pair ${pair + 1} of ${options.runs}`)
      const our = await runEngine(stage)
      const their = await runLoop(stage, path, options.partitions)
      if (pair < 0) continue
      ours.push(our)
      theirs.push(their)
    }
    return {
      bench: 'peers',
      runs: options.runs,
      measures: {
        ...comparison(ours, theirs, options.allowNoise),
        ticks: stage.backlog.ticks,
        partitions: options.partitions,
      },
      cases: { redwick: passMeasures(ours), 'kafkajs loop': passMeasures(theirs) },
    }
  })
}
