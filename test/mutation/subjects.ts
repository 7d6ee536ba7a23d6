import { readdir, readFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'

/** A source that is changed, and the test files that may notice it, the nearest first: paths from the root. */
export interface Subject {
  readonly file: string
  readonly near: readonly string[]
  readonly far: readonly string[]
}

interface Group {
  readonly files: readonly string[]
  /** Whose tests are the nearest, where a file has none of its own name. */
  readonly nearest: (name: string) => string
  /** What the paths of its test files begin with. */
  readonly tests: readonly string[]
}

const core = 'processors/core'
const windows = `${core}/windows`
const operators = 'processors/operators'
const testedWith = new Map([
  ['window-entry', 'keyed-windows'],
  ['idle-timer', 'window'],
  ['time-heap', 'window'],
  ['zone', 'calendar'],
])

/** The window core. */
const groups: readonly Group[] = [
  {
    files: [
      'keyed-windows',
      'window-entry',
      'merging',
      'window',
      'combined-watermark',
      'idle-timer',
      'time-heap',
      'calendar',
      'zone',
    ].map((name) => `${windows}/${name}.ts`),
    nearest: (name) => testedWith.get(name) ?? name,
    tests: ['calendar', 'combined-watermark', 'keyed-windows', 'merging', 'window'].map((name) => `${windows}/${name}`),
  },
  {
    files: [
      ...['tick-run', 'candle-windows', 'window-closing', 'window-output', 'window-columns', 'window-rings'],
      'line-clock',
    ].map((name) => `${core}/${name}.ts`),
    nearest: () => 'candle-windows',
    tests: [
      ...['candle-', 'tick-run', 'window-', 'line-clock'].map((name) => `${core}/${name}`),
      'test/fixtures/fixtures.test.ts',
    ],
  },
  {
    files: [
      'apply-history',
      'candle-history',
      'segment-content',
      'segment-parts',
      'history-inbox',
      'history-spans',
    ].map((name) => `${core}/${name}.ts`),
    nearest: () => 'candle-history',
    tests: ['candle-', 'history-', 'segment-', 'number-ranges'].map((name) => `${core}/${name}`),
  },
]

/** Sources that are tested where they are used: the test files, the nearest first. */
const elsewhere: readonly (readonly [file: string, ...tests: string[]])[] = [
  [`${windows}/roll-up`, `${operators}/roll-up`, `${operators}/windowed.property`],
  [
    ...([`${windows}/arrival-windows`, `${windows}/arrival-windows`] as const),
    ...['to-bars', 'aggregate', 'windowed.property'].map((name) => `${operators}/${name}`),
  ],
  [`${windows}/gap-filler`, `${operators}/fill-gaps`],
  [`${windows}/gap-region`, `${windows}/gap-region`, `${operators}/fill-gaps`],
  [`${windows}/candle-aggregate`, `${windows}/candle-aggregate`],
  [
    ...([`${core}/keyed-state`, `${operators}/to-bars`, `${operators}/reduce`] as const),
    ...['join-table', 'fill-gaps', 'windowed.property', 'restored.property'].map((name) => `${operators}/${name}`),
  ],
  [`${core}/bars`, `${operators}/to-bars`],
]

async function testFiles(root: string, prefix: string): Promise<string[]> {
  const dir = prefix.slice(0, prefix.lastIndexOf('/'))
  const names = await readdir(join(root, dir))
  return names
    .map((name) => `${dir}/${name}`)
    .filter((path) => path.startsWith(prefix) && path.endsWith('.test.ts'))
    .sort()
}

/** Every source of the window core with its tests. */
export async function findSubjects(root: string): Promise<Subject[]> {
  const subjects: Subject[] = []
  for (const { files, nearest, tests } of groups) {
    const all = (await Promise.all(tests.map((path) => testFiles(root, path)))).flat()
    for (const file of files) {
      const name = basename(file, '.ts')
      const isNear = (test: string): boolean =>
        dirname(test) === dirname(file) && [name, nearest(name)].some((one) => basename(test).startsWith(`${one}.`))
      subjects.push({
        file,
        near: all.filter(isNear).sort((a, b) => a.length - b.length),
        far: all.filter((test) => !isNear(test)),
      })
    }
  }
  for (const [file, ...tests] of elsewhere)
    subjects.push({ file: `${file}.ts`, near: tests.map((test) => `${test}.test.ts`), far: [] })
  return subjects
}

/** Texts of test files, by path. */
export async function readTests(root: string, subjects: readonly Subject[]): Promise<Map<string, string>> {
  const texts = new Map<string, string>()
  for (const { near, far } of subjects)
    for (const path of [...near, ...far])
      if (!texts.has(path)) texts.set(path, await readFile(join(root, path), 'utf8'))
  return texts
}
