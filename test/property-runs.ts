export interface PropertyRuns {
  readonly numRuns: number
  readonly seed: number
  /** No smaller counterexample is looked for. */
  readonly endOnFailure: boolean
  /** A smaller counterexample is looked for until then, and no longer. */
  readonly interruptAfterTimeLimit: number
  readonly markInterruptAsFailure: true
}

const given = process.env['PROPERTY_RUNS']
const seed = Number(process.env['PROPERTY_SEED'] ?? Date.now() % 2 ** 31)
if (given !== undefined) console.log(`properties run ${given} times, PROPERTY_SEED=${seed}`)

/** Time limit in ms of a test that runs a property: one that takes more has failed. */
export const propertyMsMax = given === undefined ? 120_000 : 3_600_000

/**
 * How often a property runs, and its seed: PROPERTY_RUNS and PROPERTY_SEED, or the usual count and a seed of the moment.
 * What fails tells its seed. With PROPERTY_SHRINK=no it is told as it was found.
 *
 * @param usual Runs of an ordinary test run.
 */
export function propertyRuns(usual: number): PropertyRuns {
  return {
    ...{ numRuns: Number(given ?? usual), seed, endOnFailure: process.env['PROPERTY_SHRINK'] === 'no' },
    ...{ interruptAfterTimeLimit: propertyMsMax - 15_000, markInterruptAsFailure: true },
  }
}
