import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { z } from 'zod'
import { FatalError } from '../schemas/errors.ts'
import { checkOut, commitOfResult } from './baseline.ts'
import { type BenchOptions, type Spread, spreadOf } from './outcome.ts'

const run = promisify(execFile)
const root = join(import.meta.dirname, '..')
const outputBytesMax = 16 * 1024 * 1024
const ratioMin = 0.95

const spread = z.object({ min: z.number(), median: z.number(), max: z.number() })
const result = z
  .object({ cases: z.record(z.string(), z.record(z.string(), z.unknown())).optional() })
  .catchall(z.unknown())

/** What a run measured as so many a second, by name; that of a case has the case before it. */
export type Speeds = ReadonlyMap<string, Spread>

export function speedsOf(line: string): Speeds {
  const { cases = {}, ...measures } = result.parse(JSON.parse(line))
  const speeds = new Map<string, Spread>()
  for (const [prefix, of] of [
    ['', measures],
    ...Object.entries(cases).map(([name, of]) => [`${name}, `, of] as const),
  ] as const)
    for (const [name, value] of Object.entries(of)) {
      const measured = spread.safeParse(value)
      if (name.endsWith('PerSecond') && measured.success) speeds.set(prefix + name, measured.data)
    }
  return speeds
}

/** Ours, theirs, theirs, ours, so that what a machine gains or loses meanwhile falls on both alike. */
export interface CheckTurn {
  readonly ours: readonly Speeds[]
  readonly theirs: readonly Speeds[]
}

export interface Verdict {
  readonly name: string
  /** Ours over theirs, of each turn. */
  readonly ratios: Spread
  /** Our best run over theirs: a shared machine has faster spells, and the best run says most of all who met one. */
  readonly bestRuns: number
}

/** Of every measure that both have. */
export function verdictsOf(turns: readonly CheckTurn[]): readonly Verdict[] {
  const names = [...(turns[0]?.ours[0]?.keys() ?? [])].filter((name) => turns[0]?.theirs[0]?.has(name))
  const of = (all: readonly Speeds[], name: string): Spread[] => all.flatMap((speeds) => speeds.get(name) ?? [])
  const secondsOf = (all: readonly Speeds[], name: string): number =>
    of(all, name).reduce((sum, { median }) => sum + 1 / median, 0)
  const best = (all: readonly Speeds[], name: string): number => Math.max(...of(all, name).map(({ max }) => max))
  return names.map((name) => ({
    name,
    ratios: spreadOf(turns.map(({ ours, theirs }) => secondsOf(theirs, name) / secondsOf(ours, name))),
    bestRuns:
      best(
        turns.flatMap(({ ours }) => ours),
        name,
      ) /
      best(
        turns.flatMap(({ theirs }) => theirs),
        name,
      ),
  }))
}

export interface CheckOptions extends Pick<BenchOptions, 'tell'> {
  readonly bench: string
  /** Default: that of the kept result. */
  readonly commit: string | undefined
  readonly turns: number
  /** Options of the bench, as they are typed. */
  readonly args: readonly string[]
}

/**
 * Measures a bench in this checkout and in that of an older commit, in turns.
 *
 * @returns Lines for people, and whether no speed is below 0.95 of what it was.
 * @throws {FatalError} `BENCH_NEEDS`; `BENCH_FAILED`, where one of the two cannot be measured.
 */
export async function check({
  bench,
  commit,
  turns,
  args,
  tell,
}: CheckOptions): Promise<{ lines: string[]; isWell: boolean }> {
  const name = commit ?? (await commitOfResult(bench))
  const baseline = await checkOut(name)
  // Ctrl-C goes to the bench as well: that ends, and the checkout is removed.
  const stay = (): void => undefined
  process.on('SIGINT', stay)
  try {
    const measure = async (tree: string): Promise<Speeds> => {
      try {
        const { stdout } = await run(join(tree, 'bin', 'redwick'), ['bench', bench, '--no-save', '--json', ...args], {
          ...{ cwd: tree, maxBuffer: outputBytesMax },
        })
        return speedsOf(stdout.trim().split('\n').at(-1) ?? '')
      } catch (error) {
        throw new FatalError({
          code: 'BENCH_FAILED',
          message: `${bench} cannot be measured in ${tree === root ? 'this checkout' : name}`,
          hint: 'take a later commit: --check COMMIT',
          cause: error,
        })
      }
    }
    const made: CheckTurn[] = []
    for (let turn = 0; turn < turns; turn++) {
      tell(`${bench}: turn ${turn + 1} of ${turns}`)
      const first = await measure(root)
      const theirs = [await measure(baseline.tree), await measure(baseline.tree)]
      made.push({ ours: [first, await measure(root)], theirs })
    }
    const verdicts = verdictsOf(made)
    const lines = verdicts.map(
      ({ name: measured, ratios: { min, median, max }, bestRuns }) =>
        `${bench} ${measured}: ratio ${median.toFixed(3)} (min ${min.toFixed(3)}, max ${max.toFixed(3)} of ${turns} turns; best runs ${bestRuns.toFixed(3)})`,
    )
    const slower = verdicts.filter(({ ratios }) => ratios.median < ratioMin)
    lines.push(`${bench} beside ${name}: ${verdicts.length} speeds, ${slower.length} below ${ratioMin}`)
    return { lines, isWell: verdicts.length > 0 && slower.length === 0 }
  } finally {
    process.off('SIGINT', stay)
    await baseline.close()
  }
}
