import type { Pass } from './engine-run.ts'
import { type Measures, noiseOf, significant, spreadOf } from './outcome.ts'

const noiseMax = 0.2

/** One comparison: ours, theirs, theirs, ours, so that what a machine gains or loses meanwhile falls on both alike. */
export interface Turn {
  readonly ours: readonly Pass[]
  readonly theirs: readonly Pass[]
}

/** Of passes over the same ticks, all of them in the time that all took. */
function speedOf(passes: readonly Pass[]): number {
  return passes.length / passes.reduce((sum, pass) => sum + 1 / pass.ticksPerSecond, 0)
}

/** The ratio of each turn, ours over theirs; withheld where the turns lie too far apart. */
export function comparison(turns: readonly Turn[], allowNoise: boolean): Measures {
  const ratios = spreadOf(turns.map((turn) => speedOf(turn.ours) / speedOf(turn.theirs)))
  const noise = noiseOf(ratios)
  if (noise > noiseMax && !allowNoise)
    return {
      ratio: `none: the ratios lie ${Math.round(noise * 100)} % apart; take a quiet machine, or --allow-noise`,
      noise: significant(noise),
    }
  return { ratio: ratios.median, ratioOfTurns: ratios, noise: significant(noise) }
}
