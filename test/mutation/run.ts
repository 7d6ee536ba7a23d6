// The mutation check of the window core: changes the sources in one small way after the other, in a copy, and runs
// their tests, those first that most likely notice it soon. A mutant that no test notices survives: either a test is missing, or the change makes
// no difference: those are accepted in survivors.json, each with its reason, and left out of what must be killed. The ratio of
// all is printed beside.
//
//   npm run mutation -- [--files PATTERN] [--sample N] [--accepted] [--workers N]
//
// `--sample` takes so many mutants of each file, always the same ones of a text. What is accepted is not run: it counts as
// a survivor, which never raises the ratio; `--accepted` runs it too.
// What was found is kept in .cache/mutation, and a mutant whose source and tests have not changed is not run again.
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { z } from 'zod'
import { makeCopy } from './copy.ts'
import { readFound } from './found.ts'
import { type Mutant, mutantsOf } from './mutants.ts'
import { createTestOrder } from './order.ts'
import { findSubjects, readTests } from './subjects.ts'

/** Killed, where every mutant must be but for one in twenty. */
const killedMin = 0.95
/** A test file that takes so much longer than with no change never ends. */
const endlessTimes = 10
const endlessMsMin = 4000
const root = join(import.meta.dirname, '..', '..')

const { values } = parseArgs({
  options: {
    files: { type: 'string', default: '' },
    sample: { type: 'string' },
    accepted: { type: 'boolean', default: false },
    workers: { type: 'string', default: '1' },
  },
})

const wanted = new RegExp(values.files)

interface Task {
  readonly mutant: Mutant
  readonly tests: readonly string[]
}

const acceptedList = z.array(
  z.object({
    file: z.string(),
    source: z.string(),
    /** Left out where it is the same for all places in the line. */
    column: z.number().optional(),
    before: z.string(),
    after: z.string(),
    reason: z.string().min(10),
  }),
)
const accepted = acceptedList.parse(JSON.parse(await readFile(join(import.meta.dirname, 'survivors.json'), 'utf8')))
const isOf = (one: (typeof accepted)[number], { file, source, column, before, after }: Mutant): boolean =>
  one.file === file &&
  one.source === source &&
  (one.column ?? column) === column &&
  one.before === before &&
  one.after === after
const reasonOf = (mutant: Mutant): string | undefined => accepted.find((one) => isOf(one, mutant))?.reason

const subjects = await findSubjects(root)
const found = await readFound(join(root, '.cache', 'mutation', 'found.jsonl'), await readTests(root, subjects))
const sampleMax = Number(values.sample ?? Number.POSITIVE_INFINITY)
const hashOf = ({ text }: Mutant): string => createHash('sha256').update(text).digest('hex')
/** Seeded by what the mutants are: the same ones until their file changes. */
const sampleOf = (mutants: readonly Mutant[]): readonly Mutant[] =>
  mutants.length <= sampleMax
    ? mutants
    : mutants
        .map((mutant) => ({ mutant, hash: hashOf(mutant) }))
        .sort((a, b) => (a.hash < b.hash ? -1 : 1))
        .slice(0, sampleMax)
        .map(({ mutant }) => mutant)
const tasks: Task[] = []
let wholeCount = 0
for (const { file, near, far } of subjects.filter((subject) => wanted.test(subject.file))) {
  const mutants = mutantsOf(file, await readFile(join(root, file), 'utf8'))
  wholeCount += mutants.length
  for (const mutant of sampleOf(mutants)) tasks.push({ mutant, tests: [...near, ...far] })
}
const open = tasks.filter(
  ({ mutant, tests }) =>
    found.isNoticed(mutant, tests) === undefined && (values.accepted || reasonOf(mutant) === undefined),
)
console.log(`${tasks.length} mutants, ${open.length} to run`)

let isStopped = false
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => {
    isStopped = true
  })

async function work(): Promise<void> {
  const copy = await makeCopy(root)
  try {
    const first = open[0]
    if (first === undefined) return
    const { file } = first.mutant
    const original = await readFile(join(root, file), 'utf8')
    const msOf = new Map<string, number>()
    for (const test of new Set(open.flatMap(({ tests }) => tests))) {
      const startMs = performance.now()
      if ((await copy.failing(file, original, [test])) !== undefined)
        throw new Error(`${test} fails without any change`)
      msOf.set(test, performance.now() - startMs)
    }
    const order = createTestOrder(msOf)
    const msMaxOf = (test: string): number => endlessMsMin + endlessTimes * (msOf.get(test) ?? 0)
    for (let task = open.shift(); task !== undefined && !isStopped; task = open.shift()) {
      const { mutant, tests } = task
      const ordered = order.of(mutant.file, tests)
      const by = await copy.failing(mutant.file, mutant.text, ordered, msMaxOf)
      order.note(mutant.file, ordered, by)
      await found.keep(mutant, tests, by)
      if (open.length % 100 === 0) console.log(`${open.length} left`)
    }
  } finally {
    await copy.remove()
  }
}
if (open.length > 0) await Promise.all(Array.from({ length: Number(values.workers) }, work))
if (isStopped) {
  console.log(`stopped, ${open.length} mutants left: the next run goes on from here`)
  process.exit(1)
}

const survivors = tasks.filter(({ mutant, tests }) => found.isNoticed(mutant, tests) !== true)
const unexplained = survivors.filter(({ mutant }) => reasonOf(mutant) === undefined)
for (const { mutant } of survivors) {
  const { file, line, column, after } = mutant
  const before = mutant.before.replaceAll(/\s+/g, ' ')
  console.log(`survived: ${file}:${line}:${column}: ${before} -> ${after}: ${reasonOf(mutant) ?? 'no reason is known'}`)
}
if (values.sample === undefined)
  for (const one of accepted)
    if (wanted.test(one.file) && !survivors.some(({ mutant }) => isOf(one, mutant)))
      console.log(`accepted in vain: ${one.file}: ${one.source}: ${one.before} -> ${one.after}`)
const killed = tasks.length - survivors.length
const alike = survivors.length - unexplained.length
const different = tasks.length - alike
const percent = (whole: number): string => `${((100 * killed) / Math.max(1, whole)).toFixed(1)} %`
console.log(
  `${values.sample === undefined ? '' : `a sample of the ${wholeCount}: `}${tasks.length} mutants, ${killed} killed (${percent(different)} of the ${different} that may make a difference, ${percent(tasks.length)} of all), ${survivors.length} survivors: ${alike} accepted with a reason, ${unexplained.length} not`,
)
if (killed < killedMin * different) process.exitCode = 1
