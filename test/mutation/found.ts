import { createHash } from 'node:crypto'
import { appendFile, mkdir, readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { z } from 'zod'
import type { Mutant } from './mutants.ts'

/** What was found of a mutant: the test file that failed or never ended, or null: it survived. */
const line = z.object({ mutant: z.string(), by: z.string().nullable(), tests: z.string() })

/** What earlier runs have found, in a file: taken again for as long as mutant and tests are the same. */
export interface Found {
  /** Whether a mutant was noticed; undefined if it is to be run. */
  isNoticed(mutant: Mutant, tests: readonly string[]): boolean | undefined
  keep(mutant: Mutant, tests: readonly string[], by: string | undefined): Promise<void>
}

const hash = (...texts: readonly string[]): string =>
  texts.reduce((sum, text) => sum.update(text).update('\0'), createHash('sha256')).digest('hex')
const keyOf = ({ file, text }: Mutant): string => hash(file, text)

/** @param textOf Texts of the test files, by path. */
export async function readFound(path: string, textOf: ReadonlyMap<string, string>): Promise<Found> {
  await mkdir(dirname(path), { recursive: true })
  const kept = new Map<string, z.infer<typeof line>>()
  const text = await readFile(path, 'utf8').catch(() => '')
  for (const one of text.split('\n')) {
    if (one === '') continue
    const found = line.parse(JSON.parse(one))
    kept.set(found.mutant, found)
  }
  /** A test that has failed fails whatever other tests there are. */
  const hashOf = (tests: readonly string[], by: string | null): string =>
    by === null ? hash(...tests.map((test) => textOf.get(test) ?? '')) : hash(textOf.get(by) ?? 'gone')
  return {
    isNoticed(mutant, tests) {
      const found = kept.get(keyOf(mutant))
      return found === undefined || found.tests !== hashOf(tests, found.by) ? undefined : found.by !== null
    },
    async keep(mutant, tests, by = undefined) {
      const found = { mutant: keyOf(mutant), by: by ?? null, tests: hashOf(tests, by ?? null) }
      kept.set(found.mutant, found)
      await appendFile(path, `${JSON.stringify(found)}\n`)
    },
  }
}
