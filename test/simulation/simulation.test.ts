import { describe, expect, it } from 'vitest'
import { createFixtures } from './fixtures.ts'
import { isMutant, mutants } from './mutants.ts'
import { type Script, scriptOf } from './script.ts'
import { shrink } from './shrink.ts'
import { simulate } from './simulation.ts'

const fixtures = await createFixtures()
/** Seeds of an ordinary run; `npm run simulate` takes any number. */
const seeds = Number(process.env['SIM_SEEDS'] ?? 60)
/** Seeds within which a planted mutant is found. */
const mutantSeedsMax = 300

it(`holds what it promises in ${seeds} worlds`, async () => {
  const first = Number(process.env['SIM_SEED'] ?? 1)
  console.log(`${seeds} seeds from SIM_SEED=${first}`)
  let crashes = 0
  for (let seed = first; seed < first + seeds; seed++) {
    const result = await simulate(scriptOf(seed, fixtures), fixtures)
    expect(result.violations, `npm run simulate -- --seed ${seed} --seeds 1`).toEqual([])
    crashes += result.crashes
  }
  expect(crashes).toBeGreaterThan(seeds / 4)
}, 300_000)

describe('a planted mutant is found', () => {
  it.each(Object.keys(mutants).filter(isMutant))(
    '%s',
    async (mutant) => {
      let found: readonly string[] = []
      for (let seed = 1; seed <= mutantSeedsMax && found.length === 0; seed++)
        found = (await simulate(scriptOf(seed, fixtures), fixtures, mutant)).violations
      expect(found).not.toEqual([])
    },
    300_000,
  )
})

it('a script runs the same way each time, whatever ran before it', async () => {
  const run = async (seed: number) => (await simulate(scriptOf(seed, fixtures), fixtures)).trace
  const first = await run(7)
  expect(first.length).toBeGreaterThan(20)
  await run(8)
  expect(await run(7)).toEqual(first)
})

it('a failing script is shrunk to one that fails too', async () => {
  const isFailing = async (script: Script) => (await simulate(script, fixtures, 'blind-retry')).violations.length > 0
  let seed = 1
  while (!(await isFailing(scriptOf(seed, fixtures)))) seed += 1
  const whole = scriptOf(seed, fixtures)
  const small = await shrink(whole, isFailing)
  expect(small.faults.length).toBeLessThanOrEqual(whole.faults.length)
  expect(small.appended.length).toBeLessThan(whole.appended.length / 2)
  expect(await isFailing(small)).toBe(true)
}, 300_000)
