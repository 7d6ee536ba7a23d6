import { invariant } from '../schemas/errors.ts'
import { createLateRanges } from '../topology/late-ranges.ts'
import { generatedLog, lateLog } from './bench-log.ts'
import { createWorker, jitterMs, runOnce } from './core.ts'
import { type BenchOptions, type BenchOutcome, repeated, spreadOf } from './outcome.ts'

const ticksDefault = 2_000_000

/** `late`: the speed of input that is all late, over the speed of the same input in time. */
export async function late(options: BenchOptions): Promise<BenchOutcome> {
  const { ticks = ticksDefault, symbols, runs, tell } = options
  tell('late: encodes its inputs')
  const inTime = generatedLog({ ticks, symbols, jitterMs })
  const allLate = lateLog({ ticks, symbols, jitterMs })
  const worker = await createWorker()
  const once = (isLate: boolean): number => {
    const ranges = createLateRanges()
    const { seconds, counts } = runOnce(isLate ? allLate : inTime, worker, { skipped: ranges.add })
    invariant(counts.late === (isLate ? ticks : 0), `${isLate ? ticks : 0} ticks are late, were ${counts.late}`)
    return ticks / seconds
  }
  const results = await repeated(runs, () => {
    // In time, late, late, in time: what the machine gains or loses meanwhile falls on both alike.
    const first = once(false)
    const speeds = [once(true), once(true)] as const
    const second = once(false)
    const mean = (a: number, b: number): number => 2 / (1 / a + 1 / b)
    return { inTime: mean(first, second), late: mean(...speeds) }
  })
  return {
    bench: 'late',
    runs,
    measures: { ratio: spreadOf(results.map((result) => result.late / result.inTime)), ticks },
    cases: {
      'in time': { ticksPerSecond: spreadOf(results.map((result) => result.inTime)) },
      late: { ticksPerSecond: spreadOf(results.map((result) => result.late)) },
    },
  }
}
