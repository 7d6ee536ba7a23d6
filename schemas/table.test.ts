import { readdirSync, readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { FatalError } from './errors.ts'
import { type ColumnType, checkTable, columnsMax, keyColumnsMax, type TableSpec } from './table.ts'

const good: TableSpec = { table: 'visits', columns: { id: 'text', extra: 'jsonb' }, key: ['id'] }
const many = (count: number) =>
  Object.fromEntries(Array.from({ length: count }, (_, i): [string, ColumnType] => [`c${i}`, 'int8']))

const troubleOf = (spec: TableSpec): unknown => {
  try {
    return checkTable(spec)
  } catch (error) {
    return error
  }
}

it.each([
  good,
  { ...good, table: '_' },
  { ...good, table: 'x'.repeat(63) },
  { ...good, columns: many(columnsMax), key: Object.keys(many(keyColumnsMax)) },
])('a table may be %o', (spec) => expect(troubleOf(spec)).toBeUndefined())

it.each<{ name: string; spec: Partial<TableSpec>; why: RegExp }>([
  { name: 'a capital in its name', spec: { table: 'Visits' }, why: /^The name does not fit/ },
  { name: 'SQL in its name', spec: { table: 'a"; DROP TABLE b; --' }, why: /^The name does not fit/ },
  { name: 'a line after its name', spec: { table: 'visits\n' }, why: /^The name does not fit/ },
  { name: 'a digit first', spec: { table: '1st' }, why: /^The name does not fit/ },
  { name: 'a name too long', spec: { table: 'x'.repeat(64) }, why: /^The name does not fit/ },
  { name: 'no name', spec: { table: '' }, why: /^The name does not fit/ },
  { name: 'a name of PostgreSQL', spec: { table: 'pg_class' }, why: /begin with pg_/ },
  { name: 'a name of ours', spec: { table: 'redwick_anything' }, why: /begin with redwick_/ },
  { name: 'a column of no name', spec: { columns: { id: 'text', '': 'text' } }, why: /column name "" does not fit/ },
  { name: 'a column of every table', spec: { columns: { id: 'text', xmin: 'int8' } }, why: /column xmin of Postgre/ },
  { name: 'too many columns', spec: { columns: many(columnsMax + 1), key: ['c0'] }, why: /251 columns, at most 250/ },
  {
    name: 'an unknown type',
    spec: { columns: { id: 'text', n: 'int4' as ColumnType } },
    why: /Column n has the type "int4"/,
  },
  { name: 'no key', spec: { key: [] }, why: /no key/ },
  { name: 'a key that is no column', spec: { key: ['tostring'] }, why: /"tostring", which is no column/ },
  { name: 'a key of an object of JavaScript', spec: { key: ['constructor'] }, why: /which is no column/ },
  { name: 'a key column twice', spec: { key: ['id', 'id'] }, why: /twice/ },
  { name: 'a key of JSON', spec: { key: ['id', 'extra'] }, why: /jsonb column extra/ },
  {
    name: 'too long a key',
    spec: { columns: many(40), key: Object.keys(many(keyColumnsMax + 1)) },
    why: /33 columns, at most 32/,
  },
])('a table may not have $name', ({ spec, why }) => {
  const trouble = troubleOf({ ...good, ...spec })
  expect(trouble).toBeInstanceOf(FatalError)
  expect(trouble).toMatchObject({ code: 'BAD_TABLE', exitCode: 78 })
  expect(trouble instanceof FatalError ? trouble.why : '').toMatch(why)
})

it('no table of the migrations is a topology’s', () => {
  const folder = new URL('../sinks/migrations/', import.meta.url)
  const text = readdirSync(folder)
    .map((name) => readFileSync(new URL(name, folder), 'utf8'))
    .join('\n')
  const ours = [...text.matchAll(/CREATE TABLE (\w+)/g)].map(([, table = '']) => table)
  expect(ours.length).toBeGreaterThan(7)
  for (const table of ours) expect(troubleOf({ ...good, table })).toMatchObject({ code: 'BAD_TABLE' })
})
