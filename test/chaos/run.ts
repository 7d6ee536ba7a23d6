import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { z } from 'zod'
import { parsed, usage, wholeNumber } from '../arguments.ts'
import { type ChaosResult, keepSaid, runChaos } from './chaos.ts'
import { isMutantName, type Mutant, type MutantName, mutants, plant, plantUpgrade } from './mutants.ts'
import { onPlatform, type Platform } from './platform.ts'
import { drawScript, type FaultKind, faultKinds, isFaultKind, rollingUpgrade } from './script.ts'

/** Runs within which each planted mutant is to be found, and their faults. */
const mutantRunsMax = 4
const mutantFaults = 12

const options = {
  runs: { type: 'string', default: '3' },
  seed: { type: 'string', default: '1' },
  /** Of each run, and seconds over which they are spread. */
  faults: { type: 'string', default: '24' },
  seconds: { type: 'string', default: '30' },
  kinds: { type: 'string' },
  mutant: { type: 'string' },
  /** The engines are upgraded to another topology on the way, one after the other. */
  upgrade: { type: 'boolean', default: false },
  /** Runs that were made on these sources are not made again; what violated stays a violation. */
  resume: { type: 'boolean', default: false },
  verbose: { type: 'boolean', default: false },
} as const

const values = parsed(() => parseArgs({ options }).values)
const numberOf = (name: 'runs' | 'seed' | 'faults' | 'seconds', least: number): number =>
  wholeNumber(name, values[name], least)

function kindsOf(text: string | undefined): readonly FaultKind[] | undefined {
  if (text === undefined) return undefined
  const names = text.split(',').map((name) => name.trim())
  for (const name of names) if (!isFaultKind(name)) usage(`--kinds takes ${faultKinds.join(', ')}; was ${name}`)
  return names.filter(isFaultKind)
}

const [runs, first, faults, seconds] = [
  numberOf('runs', 1),
  numberOf('seed', 0),
  numberOf('faults', 1),
  numberOf('seconds', 1),
]
const kinds = kindsOf(values.kinds)
const lastMs = seconds * 1000

const madeRun = z.object({ faults: z.record(z.string(), z.number()), line: z.string(), isClean: z.boolean() })
type MadeRun = z.infer<typeof madeRun>

/** Runs that were made, kept from one call to the next for as long as the sources are the same: a violation too. */
function openRecord() {
  const root = join(import.meta.dirname, '..', '..')
  const git = (...args: readonly string[]): Buffer => execFileSync('git', args, { cwd: root, maxBuffer: 1e9 })
  const hash = createHash('sha256')
  hash.update(git('ls-files', '-s', '--', ':!docs', ':!README.md')).update(git('diff', 'HEAD', '--', ':!docs'))
  const untracked = git('ls-files', '-o', '--exclude-standard').toString().split('\n').filter(Boolean)
  for (const file of untracked) hash.update(file).update(readFileSync(join(root, file)))
  const key = hash
    .update(JSON.stringify([faults, seconds, kinds, values.upgrade]))
    .digest('hex')
    .slice(0, 16)
  const dir = join(root, 'node_modules', '.cache', 'redwick')
  const path = join(dir, `chaos-${key}.json`)
  let made = new Map<number, MadeRun>()
  try {
    const read = z.record(z.string(), madeRun).parse(JSON.parse(readFileSync(path, 'utf8')))
    made = new Map(Object.entries(read).map(([seed, run]) => [Number(seed), run]))
  } catch {
    // The first call on these sources.
  }
  return {
    made,
    keep(seed: number, run: MadeRun): void {
      made.set(seed, run)
      mkdirSync(dir, { recursive: true })
      writeFileSync(path, JSON.stringify(Object.fromEntries(made)))
    },
  }
}

const done = (result: ChaosResult) => result.injected.filter(({ doneMs }) => doneMs !== undefined)

function faultsByKind(result: ChaosResult): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { fault } of done(result)) counts[fault.kind] = (counts[fault.kind] ?? 0) + 1
  return counts
}

function tell(seed: number, result: ChaosResult, ms: number): string {
  const { ticks, candles, refused, skipped, updates, connections, resumed, diskRefusals, violations } = result
  return (
    `seed ${seed}: ${done(result).length} faults, ${ticks} ticks, ${candles} candles, ${refused} dead letters, ` +
    `${skipped} late or repeated, ${updates} updates on ${connections} connections with ${resumed} channels resumed, the disk full for ${diskRefusals} attempts, ` +
    `${Math.round(ms / 1000)} s: ${violations.length} violations`
  )
}

async function runAll(platform: Platform): Promise<boolean> {
  const upgraded = values.upgrade ? await plantUpgrade() : undefined
  const record = values.resume ? openRecord() : undefined
  const counts: Record<string, number> = {}
  let [violating, least] = [0, Number.POSITIVE_INFINITY]
  const count = (more: Readonly<Record<string, number>>): void => {
    least = Math.min(
      least,
      Object.values(more).reduce((total, times) => total + times, 0),
    )
    for (const [kind, times] of Object.entries(more)) counts[kind] = (counts[kind] ?? 0) + times
  }
  for (let seed = first; seed < first + runs; seed++) {
    const before = record?.made.get(seed)
    if (before !== undefined) {
      console.log(`${before.line} (run before)`)
      count(before.faults)
      if (!before.isClean) violating += 1
      continue
    }
    const started = performance.now()
    const log = (line: string): void => {
      if (values.verbose) console.log(`  ${line}`)
    }
    const drawn = drawScript({ seed, faults, lastMs, kinds })
    const script = values.upgrade ? [...drawn, ...rollingUpgrade(lastMs)] : drawn
    const result = await runChaos(platform, { seed, script, lastMs, upgraded: upgraded?.dir, log })
    const line = tell(seed, result, performance.now() - started)
    console.log(line)
    count(faultsByKind(result))
    const isClean = result.violations.length === 0
    record?.keep(seed, { faults: faultsByKind(result), line, isClean })
    if (isClean) continue
    violating += 1
    for (const violation of result.violations) console.log(`  VIOLATION ${violation}`)
    for (const { fault, doneMs } of result.injected)
      console.log(`  ${Math.round(doneMs ?? -1)} ${JSON.stringify(fault)}`)
    console.log(`  what the processes said: ${await keepSaid(seed, result.said)}`)
    console.log(`  again: npm run chaos -- --runs 1 --seed ${seed} --faults ${faults} --seconds ${seconds}`)
  }
  await upgraded?.remove()
  const sorted = Object.entries(counts).sort(([, a], [, b]) => b - a)
  const sum = sorted.reduce((total, [, times]) => total + times, 0)
  console.log(
    `${sorted.map(([kind, times]) => `${times} ${kind}`).join(', ')}; ` +
      `${runs} runs of at least ${least} faults, ${sum} in all, ${violating} violating runs`,
  )
  return violating === 0
}

/** Of a platform that comes to a stand, or a process that ends: many a broken program does that. */
const tellsLittle = /^not all is committed|ended (by itself )?with|to stop, and ended/

/** @returns Whether it was found: by what is wrong in what it stored or told, where the program without it is right. */
async function find(platform: Platform, name: MutantName): Promise<boolean> {
  const planted = await plant(name)
  const { kinds: telling }: Mutant = mutants[name]
  try {
    for (let seed = first; seed < first + mutantRunsMax; seed++) {
      const script = drawScript({ seed, faults: mutantFaults, lastMs, kinds: telling })
      const run = { seed, script, lastMs, log: () => undefined }
      const { violations } = await runChaos(platform, { ...run, from: planted.dir })
      const wrong = violations.filter((violation) => !tellsLittle.test(violation))
      if (wrong.length === 0) continue
      const control = await runChaos(platform, run)
      console.log(`${name}: found by seed ${seed}: ${wrong[0]}`)
      for (const violation of control.violations) console.log(`  without it, under the same faults: ${violation}`)
      return control.violations.length === 0
    }
    console.log(`${name}: not found in ${mutantRunsMax} runs`)
    return false
  } finally {
    await planted.remove()
  }
}

async function findMutants(platform: Platform, which: string): Promise<boolean> {
  const names = Object.keys(mutants).filter(isMutantName)
  let isComplete = true
  for (const name of which === 'each' ? names : names.filter((one) => one === which))
    isComplete = (await find(platform, name)) && isComplete
  console.log(isComplete ? 'each mutant is found' : 'NOT each mutant is found')
  return isComplete
}

const { mutant } = values
if (mutant === 'list') {
  for (const [name, { what, kinds: telling }] of Object.entries(mutants))
    console.log(`${name}: ${what} (${telling.join(', ')})`)
  process.exit(0)
}
if (mutant !== undefined && mutant !== 'each' && !isMutantName(mutant))
  usage(`--mutant takes list, each, ${Object.keys(mutants).join(', ')}; was ${mutant}`)

await onPlatform({ isDiskSmall: true }, (platform) => {
  if (platform.disk === undefined) console.log('nothing can be mounted here: no disk is filled')
  return mutant === undefined ? runAll(platform) : findMutants(platform, mutant)
})
