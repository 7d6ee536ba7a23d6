import fc from 'fast-check'
import type { TableChange, TableRow, TableSpec, TableValue } from '../schemas/table.ts'

let names = 0
/** Tests share one store; each has a topology and tables of its own. */
export const fresh = (what: string): string => `${what}_${process.pid}_${++names}`

export const everyType = {
  id: 'text',
  ratio: 'float8',
  count: 'int8',
  good: 'boolean',
  at: 'timestamptz',
  extra: 'jsonb',
} as const
/** A table of its own with a column of each type. */
export const ofEveryType = (): TableSpec => ({ table: fresh('every'), columns: everyType, key: ['id'] })
/** A table of its own with a number for each id. */
export const visits = (): TableSpec => ({ table: fresh('visits'), columns: { id: 'text', n: 'int8' }, key: ['id'] })
/** The change that puts a row. */
export const up = (spec: TableSpec, row: TableRow): TableChange => ({
  table: spec.table,
  key: Object.fromEntries(spec.key.map((name) => [name, row[name] ?? null])),
  row,
})
/** The change that takes a key's row away. */
export const gone = (spec: TableSpec, key: TableRow): TableChange => ({ table: spec.table, key, row: undefined })

export const parsed = (text: string): TableValue => JSON.parse(text) as TableValue
/** fast-check's records have no prototype. */
export const plain = (row: TableRow): TableRow => ({ ...row })

const finite = fc.double({ noNaN: true, noDefaultInfinity: true })
const word = fc.string({ unit: 'binary', maxLength: 20 }).map((text) => text.replaceAll('\0', ''))
// Through JSON's text because that has no -0; what a store cannot hold is left out.
const json = fc
  .jsonValue({ stringUnit: 'binary' })
  .map((value) => JSON.stringify(value))
  .filter((text) => !text.includes('\\u0000'))
  .map(parsed)
/** A row of `ofEveryType`. */
export const anyRow = fc.record({
  id: word,
  ratio: fc.option(finite),
  count: fc.option(fc.maxSafeInteger()),
  good: fc.option(fc.boolean()),
  at: fc.option(fc.integer({ min: -2e14, max: 8.64e15 })),
  extra: fc.option(json),
})
