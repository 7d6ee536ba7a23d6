import { parentPort, workerData } from 'node:worker_threads'
import { createFixtures } from './fixtures.ts'
import type { Mutant } from './mutants.ts'
import { scriptOf } from './script.ts'
import { simulate } from './simulation.ts'

/** Every `step`th seed of `[first, end)`. */
export interface SeedsOrder {
  readonly first: number
  readonly end: number
  readonly step: number
  readonly mutant: Mutant | undefined
}

export interface SeedResult {
  readonly seed: number
  readonly commits: number
  readonly crashes: number
  readonly violations: readonly string[]
}

const { first, end, step, mutant } = workerData as SeedsOrder
const fixtures = await createFixtures()
for (let seed = first; seed < end; seed += step) {
  const { commits, crashes, violations } = await simulate(scriptOf(seed, fixtures), fixtures, mutant)
  const result: SeedResult = { seed, commits, crashes, violations }
  parentPort?.postMessage(result)
}
