import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { Worker } from 'node:worker_threads'
import { parsed, usage, wholeNumber } from '../arguments.ts'
import { createFixtures } from './fixtures.ts'
import { isMutant, type Mutant, mutants } from './mutants.ts'
import { type Script, scriptOf } from './script.ts'
import type { SeedResult, SeedsOrder } from './seed-worker.ts'
import { shrink } from './shrink.ts'
import { simulate } from './simulation.ts'

/** Seeds within which each planted mutant is to be found. */
const mutantSeedsMax = 1000
/** Of the trace of a failure. */
const traceLinesTold = 60
/** Worlds come and go: with room for some of them there is less to collect. */
const resourceLimits = { maxYoungGenerationSizeMb: 64 }
/** Violating seeds that are told in whole. */
const toldMax = 3

const options = {
  seeds: { type: 'string', default: '1000' },
  seed: { type: 'string', default: '1' },
  mutant: { type: 'string' },
  workers: { type: 'string', default: String(availableParallelism()) },
  trace: { type: 'boolean', default: false },
} as const

const values = parsed(() => parseArgs({ options }).values)
const numberOf = (name: 'seeds' | 'seed' | 'workers', least: number): number => wholeNumber(name, values[name], least)

interface Totals {
  readonly commits: number
  readonly crashes: number
  /** Violating seeds, ascending. */
  readonly failed: readonly SeedResult[]
}

/** Divides the seeds among threads. @param isOver Asked after each seed. */
function runSeeds(
  order: Omit<SeedsOrder, 'step'>,
  workers: number,
  isOver: (result: SeedResult) => boolean,
): Promise<Totals> {
  return new Promise((resolve, reject) => {
    let [commits, crashes, running] = [0, 0, workers]
    const failed: SeedResult[] = []
    const threads = Array.from({ length: workers }, (_, i) => {
      const workerData: SeedsOrder = { ...order, first: order.first + i, step: workers }
      return new Worker(new URL('./seed-worker.ts', import.meta.url), { workerData, resourceLimits })
    })
    const end = (): void => {
      for (const thread of threads) void thread.terminate()
      resolve({ commits, crashes, failed: failed.sort((a, b) => a.seed - b.seed) })
    }
    for (const thread of threads) {
      thread.on('message', (result: SeedResult) => {
        commits += result.commits
        crashes += result.crashes
        if (result.violations.length > 0) failed.push(result)
        if (isOver(result)) end()
      })
      thread.on('error', reject)
      thread.on('exit', () => {
        running -= 1
        if (running === 0) end()
      })
    }
  })
}

/** A failing seed with as little around it as still fails: its script, and what happened. */
async function tell({ seed, violations }: SeedResult, mutant: Mutant | undefined): Promise<void> {
  console.log(`seed ${seed}: ${violations.join('\n  ')}`)
  const fixtures = await createFixtures()
  const run = (script: Script) => simulate(script, fixtures, mutant)
  const small = await shrink(scriptOf(seed, fixtures), async (script) => (await run(script)).violations.length > 0)
  const { trace } = await run(small)
  console.log(`  shrunk to ${small.faults.length} faults and ${small.appended.length} appends:`)
  for (const fault of small.faults) console.log(`    ${JSON.stringify(fault)}`)
  const upTo = trace.findIndex((line) => line.includes('VIOLATION')) + 1
  for (const line of trace.slice(Math.max(0, upTo - traceLinesTold), upTo)) console.log(`    ${line}`)
  const planted = mutant === undefined ? '' : ` --mutant ${mutant}`
  console.log(`  again: npm run simulate -- --seed ${seed} --seeds 1${planted}`)
}

async function findEach(first: number, workers: number): Promise<boolean> {
  let isComplete = true
  for (const mutant of Object.keys(mutants).filter(isMutant)) {
    const order = { first, end: first + mutantSeedsMax, mutant }
    const { failed } = await runSeeds(order, workers, ({ violations }) => violations.length > 0)
    const found = failed[0]
    isComplete &&= found !== undefined
    console.log(
      `${mutant}: ${found === undefined ? 'not found' : `found by seed ${found.seed}: ${found.violations[0]}`}`,
    )
  }
  return isComplete
}

async function main(): Promise<number> {
  const { mutant } = values
  const [first, seeds, workers] = [numberOf('seed', 0), numberOf('seeds', 1), numberOf('workers', 1)]
  if (mutant === 'list') {
    for (const [name, what] of Object.entries(mutants)) console.log(`${name}: ${what}`)
    return 0
  }
  if (mutant === 'each') {
    const isComplete = await findEach(first, workers)
    console.log(isComplete ? `each mutant is found within ${mutantSeedsMax} seeds` : 'not every mutant is found')
    return isComplete ? 0 : 1
  }
  if (mutant !== undefined && !isMutant(mutant)) {
    usage(`there is no mutant ${mutant}: npm run simulate -- --mutant list`)
  }
  if (values.trace) {
    const fixtures = await createFixtures()
    for (let seed = first; seed < first + seeds; seed++)
      console.log((await simulate(scriptOf(seed, fixtures), fixtures, mutant)).trace.join('\n'))
  }
  const totals = await runSeeds({ first, end: first + seeds, mutant }, Math.min(workers, seeds), () => false)
  for (const result of totals.failed.slice(0, toldMax)) await tell(result, mutant)
  for (const { seed, violations } of totals.failed.slice(toldMax)) console.log(`seed ${seed}: ${violations[0]}`)
  console.log(
    `${seeds} seeds, ${totals.commits} commits, ${totals.crashes} crashes, ${totals.failed.length} violations`,
  )
  return totals.failed.length > 0 ? 1 : 0
}

process.exit(await main())
