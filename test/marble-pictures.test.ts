import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'

const folder = join(import.meta.dirname, '..', 'processors', 'operators')
/** What is in the folder and is no operator: bases, and what operators are given. */
const bases = new Set([
  ...['attempt', 'door-output', 'duration', 'fan-out', 'record-step', 'step', 'windowed-step', 'windows'],
])
/** Operators on columns: their specs are those of the core. */
const onColumns = new Set(['admit', 'to-candles', 'deduplicate'])
const operators = readdirSync(folder)
  .filter((name) => name.endsWith('.ts') && !name.includes('.test.'))
  .map((name) => name.slice(0, -'.ts'.length))
  .filter((name) => !bases.has(name))

it('there are operators', () => {
  expect(operators.length).toBeGreaterThan(20)
})

/** Lines between the fences of docstrings that are marbles: a name, then a line with dashes. */
function marbleLines(text: string): string[] {
  let isInside = false
  return text.split('\n').filter((line) => {
    if (line.startsWith(' * ```')) isInside = !isInside
    return isInside && /^ \* (?:given|gives|from-\d|[a-z]+) +\S*-/.test(line)
  })
}

it.each(operators)('the file of %s has its marble picture', (name) => {
  const text = readFileSync(join(folder, `${name}.ts`), 'utf8')
  expect(marbleLines(text).length, name).toBeGreaterThan(1)
})

it.each(operators.filter((name) => !onColumns.has(name)))('%s has a spec beside it', (name) => {
  expect(existsSync(join(folder, `${name}.test.ts`)), name).toBe(true)
})
