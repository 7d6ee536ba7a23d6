import { execFile } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { BenchOutcome } from './outcome.ts'

const run = promisify(execFile)
const root = join(import.meta.dirname, '..')

/** Where results are kept; those in `raw` are of no known input and are not committed. */
export const resultsDir = join(import.meta.dirname, 'results')

/** The outcome as it is printed and kept: with the command, the host, the commit and the date. */
export async function resultOf({ bench, runs, measures, cases }: BenchOutcome, command: string): Promise<object> {
  return {
    bench,
    ...measures,
    ...(cases === undefined ? {} : { cases }),
    runs,
    command,
    host: {
      cpu: cpus()[0]?.model.trim() ?? 'unknown',
      cores: cpus().length,
      node: process.version,
      platform: `${process.platform} ${process.arch}`,
    },
    commit: await commitName(),
    date: new Date().toISOString(),
  }
}

/** Writes a result to `results/<name>.json`. */
export async function saveResult(name: string, result: object, isRaw: boolean): Promise<void> {
  const dir = isRaw ? join(resultsDir, 'raw') : resultsDir
  await mkdir(dir, { recursive: true })
  await writeFile(join(dir, `${name}.json`), `${JSON.stringify(result, undefined, 2)}\n`)
}

/** The commit that runs, `-dirty` where the checkout differs from it; results and their page do not count. */
async function commitName(): Promise<string> {
  try {
    const head = await run('git', ['rev-parse', '--short=12', 'HEAD'], { cwd: root })
    const status = await run('git', ['status', '--porcelain', '--', '.', ':!bench/results', ':!docs/benchmarks.md'], {
      cwd: root,
    })
    return `${head.stdout.trim()}${status.stdout.trim() === '' ? '' : '-dirty'}`
  } catch {
    return 'unknown'
  }
}
