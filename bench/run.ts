import { basename } from 'node:path'
import { exitCodes, FatalError } from '../schemas/errors.ts'
import { isMissing } from './needs.ts'
import type { BenchOptions, BenchOutcome, Measures, Spread } from './outcome.ts'
import { writeReport } from './report.ts'
import { resultOf, saveResult } from './save.ts'
import { suites } from './suites.ts'

export interface RunFlags {
  /** One JSON object a line on standard output, in place of text. */
  readonly json: boolean
  /** Keep the result in `bench/results`. */
  readonly save: boolean
  /** What the user typed, for the result. */
  readonly command: string
}

/**
 * Runs one bench, every bench (`all`), or writes the page of kept results (`report`).
 *
 * @throws {FatalError} `USAGE` for an unknown name; `BENCH_NEEDS` (69) when a bench that was named lacks a service.
 */
export async function runBenches(name: string, options: BenchOptions, flags: RunFlags): Promise<void> {
  if (name === 'report') {
    options.tell(`wrote ${await writeReport()}`)
    return
  }
  if (name !== 'all') return runBench(name, options, flags)
  for (const each of suites.keys()) {
    try {
      await runBench(each, options, flags)
    } catch (error) {
      if (!isMissing(error)) throw error
      options.tell(`${each}: left out: ${error.message}: ${error.why}`)
    }
  }
}

async function runBench(name: string, options: BenchOptions, { json, save, command }: RunFlags): Promise<void> {
  const load = suites.get(name)
  if (load === undefined)
    throw new FatalError({
      code: 'USAGE',
      message: `there is no bench ${name}`,
      why: `the benches are ${[...suites.keys()].join(', ')}, all; report writes their page`,
      hint: 'npm run bench -- core',
      exitCode: exitCodes.usage,
    })
  const suite = await load()
  const outcome = await suite(options)
  const result = await resultOf(outcome, command)
  const isOfFile = options.tickFile !== undefined
  if (save) await saveResult(isOfFile ? `${name}-${basename(options.tickFile)}` : name, result, isOfFile)
  process.stdout.write(json ? `${JSON.stringify(result)}\n` : outcomeText(outcome))
}

function isSpread(value: Spread | number | string): value is Spread {
  return typeof value === 'object'
}

function measuresText(measures: Measures): string {
  const number = (value: number): string => value.toLocaleString('en')
  return Object.entries(measures)
    .map(([name, value]) => {
      if (!isSpread(value)) return `${name} ${typeof value === 'number' ? number(value) : value}`
      return `${name} ${number(value.median)} (${number(value.min)} to ${number(value.max)})`
    })
    .join(', ')
}

function outcomeText({ bench, measures, cases = {} }: BenchOutcome): string {
  const lines = [`${bench}: ${measuresText(measures)}`]
  for (const [name, each] of Object.entries(cases)) lines.push(`  ${name}: ${measuresText(each)}`)
  return `${lines.join('\n')}\n`
}
