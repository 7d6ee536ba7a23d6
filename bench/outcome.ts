/** Of one measure over all counted runs. */
export interface Spread {
  readonly min: number
  readonly median: number
  readonly max: number
}

/** Measures by name; the name ends in its unit. */
export type Measures = Readonly<Record<string, Spread | number | string>>

/** What a suite measured. */
export interface BenchOutcome {
  readonly bench: string
  /** Counted runs; the warm-up before them is none of them. */
  readonly runs: number
  readonly measures: Measures
  /** Measures of each of several things that were compared. */
  readonly cases?: Readonly<Record<string, Measures>>
}

export interface BenchOptions {
  /** Ticks of one run; each suite has its own default. */
  readonly ticks: number | undefined
  readonly runs: number
  readonly symbols: number
  readonly partitions: number
  /** A file of trades in place of generated ticks (`core`). */
  readonly tickFile: string | undefined
  /** Where `core` writes its candles. */
  readonly out: string | undefined
  /** `peers`, `engines`: print the ratio however far the runs lie apart. */
  readonly allowNoise: boolean
  /** Progress, for people. */
  tell(line: string): void
}

/** Runs one bench. @throws {FatalError} `BENCH_NEEDS`, naming what this machine lacks. */
export type Suite = (options: BenchOptions) => Promise<BenchOutcome>

/** Least, middle and greatest; of an even number the mean of the middle two. */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b)
  const at = (place: number): number => sorted[place] ?? Number.NaN
  const middle = (at(Math.floor((sorted.length - 1) / 2)) + at(Math.ceil((sorted.length - 1) / 2))) / 2
  return { min: significant(at(0)), median: significant(middle), max: significant(at(sorted.length - 1)) }
}

/** Four digits: what lies behind them is noise. */
export function significant(value: number): number {
  return Number(value.toPrecision(4))
}

/** How far the runs lie apart: (max - min) / median. */
export function noiseOf({ min, median, max }: Spread): number {
  return (max - min) / median
}

/**
 * Runs something once to warm up, then `runs` times, one after the other.
 *
 * @returns The results of the counted runs.
 */
export async function repeated<T>(runs: number, once: (run: number) => Promise<T> | T): Promise<T[]> {
  await once(-1)
  const results: T[] = []
  for (let run = 0; run < runs; run++) results.push(await once(run))
  return results
}

/** Greatest resident set of this process so far. */
export function peakRssMiB(): number {
  return Math.round(process.resourceUsage().maxRSS / 1024)
}
