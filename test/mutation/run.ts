// The mutation check of the window core: changes the sources in one small way after the other, in a copy, and runs
// their tests. A mutant that no test notices survives: either a test is missing, or the change makes no difference.
//
//   npm run mutation -- [--files TEXT] [--workers N]
//
// What was found is kept in .cache/mutation, and a mutant whose source and tests have not changed is not run again.
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { appendFile, cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { z } from 'zod'
import { type Mutant, mutantsOf } from './mutants.ts'

interface Group {
  readonly files: readonly string[]
  readonly tests: readonly string[]
}

const core = 'processors/core'
const groups: readonly Group[] = [
  {
    files: ['tick-run', 'candle-windows', 'window-columns', 'window-rings', 'line-clock'].map(
      (name) => `${core}/${name}.ts`,
    ),
    tests: [`${core}/candle-windows.test.ts`, 'test/fixtures/fixtures.test.ts'],
  },
  {
    files: [
      'keyed-windows',
      'merging',
      'window',
      'combined-watermark',
      'idle-timer',
      'time-heap',
      'calendar',
      'zone',
    ].map((name) => `${core}/windows/${name}.ts`),
    tests: [`${core}/windows`, 'test/fixtures/fixtures.test.ts'],
  },
]

/** Killed, where every mutant must be but for one in twenty. */
const killedMin = 0.95
/** A mutant may make a loop endless. */
const runMsMax = 60_000
const root = join(import.meta.dirname, '..', '..')
const keptDir = join(root, '.cache', 'mutation')
const copied = [
  'processors',
  'schemas',
  'ports',
  'test',
  'gateway',
  'topology',
  'package.json',
  'tsconfig.json',
  'vitest.config.ts',
]

const { values } = parseArgs({
  options: { files: { type: 'string', default: '' }, workers: { type: 'string', default: '2' } },
})

async function textsOf(paths: readonly string[]): Promise<string> {
  const texts: string[] = []
  for (const path of paths) {
    const names = path.endsWith('.ts')
      ? ['']
      : (await readdir(join(root, path))).filter((name) => name.endsWith('.test.ts'))
    for (const name of names.sort()) texts.push(await readFile(join(root, path, name), 'utf8'))
  }
  return texts.join('\n')
}

async function makeCopy(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'redwick-mutation-'))
  for (const name of copied) await cp(join(root, name), join(dir, name), { recursive: true })
  await symlink(join(root, 'node_modules'), join(dir, 'node_modules'))
  return dir
}

/** Whether the tests, unlike those of the unchanged sources, fail or never end. */
function isNoticed(dir: string, tests: readonly string[]): Promise<boolean> {
  const shared = process.env['SHARED_DIR'] ?? join(root, '..', 'shared')
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', 'node_modules/vitest/vitest.mjs', 'run', '--bail=1', ...tests],
    {
      cwd: dir,
      env: { ...process.env, SHARED_DIR: shared, PROPERTY_RUNS: '60' },
      stdio: 'ignore',
      detached: true,
    },
  )
  return new Promise((resolve, reject) => {
    // The whole group: the tests run in processes of their own.
    const timer = setTimeout(() => process.kill(-(child.pid ?? 0), 'SIGKILL'), runMsMax)
    child.on('error', reject)
    child.on('exit', (code) => {
      clearTimeout(timer)
      resolve(code !== 0)
    })
  })
}

interface Task {
  readonly mutant: Mutant
  readonly tests: readonly string[]
  readonly key: string
}

const keptLine = z.object({ key: z.string(), noticed: z.boolean() })

async function readKept(path: string): Promise<Map<string, boolean>> {
  const text = await readFile(path, 'utf8').catch(() => '')
  const lines = text.split('\n').filter((line) => line !== '')
  return new Map(lines.map((line) => keptLine.parse(JSON.parse(line))).map(({ key, noticed }) => [key, noticed]))
}

await mkdir(keptDir, { recursive: true })
const keptPath = join(keptDir, 'found.jsonl')
const kept = await readKept(keptPath)
const tasks: Task[] = []
for (const { files, tests } of groups) {
  const testText = await textsOf(tests)
  for (const file of files.filter((name) => name.includes(values.files)))
    for (const mutant of mutantsOf(file, await readFile(join(root, file), 'utf8'))) {
      const key = createHash('sha256').update(testText).update(file).update(mutant.text).digest('hex')
      tasks.push({ mutant, tests, key })
    }
}
const open = tasks.filter(({ key }) => !kept.has(key))
console.log(`${tasks.length} mutants, ${open.length} to run`)

async function work(): Promise<void> {
  const dir = await makeCopy()
  try {
    for (const { tests } of groups)
      if (await isNoticed(dir, tests)) throw new Error(`the tests ${tests.join(', ')} fail without any change`)
    for (let task = open.shift(); task !== undefined; task = open.shift()) {
      const { mutant, tests, key } = task
      const path = join(dir, mutant.file)
      await writeFile(path, mutant.text)
      const noticed = await isNoticed(dir, tests)
      await cp(join(root, mutant.file), path)
      kept.set(key, noticed)
      await appendFile(keptPath, `${JSON.stringify({ key, noticed })}\n`)
      if (open.length % 100 === 0) console.log(`${open.length} left`)
    }
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}
await Promise.all(Array.from({ length: Number(values.workers) }, work))

const survivors = tasks.filter(({ key }) => kept.get(key) === false)
for (const { mutant } of survivors)
  console.log(`survived: ${mutant.file}:${mutant.line}: ${mutant.before} -> ${mutant.after}`)
const killed = tasks.length - survivors.length
console.log(
  `${tasks.length} mutants, ${killed} killed, ${survivors.length} survived, ${((100 * killed) / tasks.length).toFixed(1)} %`,
)
if (killed < killedMin * tasks.length) process.exitCode = 1
