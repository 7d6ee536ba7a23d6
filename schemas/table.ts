import { exitCodes, FatalError } from './errors.ts'

/** Type of a column; the names are PostgreSQL's. */
export type ColumnType = 'text' | 'float8' | 'int8' | 'boolean' | 'timestamptz' | 'jsonb'

/** A table that a topology writes: rows by key. */
export interface TableSpec {
  readonly table: string
  readonly columns: Readonly<Record<string, ColumnType>>
  readonly key: readonly string[]
}

export type TableValue =
  | string
  | number
  | boolean
  | null
  | readonly TableValue[]
  | { readonly [name: string]: TableValue }

/** timestamptz values are epoch ms; jsonb any JSON. */
export type TableRow = Readonly<Record<string, TableValue>>

/** What a commit does to a table: the last word about each key, `row` undefined where the key goes. */
export interface TableChange {
  readonly table: string
  /** The key's columns, and no others. */
  readonly key: TableRow
  readonly row: TableRow | undefined
}

/** A table as it is: columns by name, with what their type is called; the primary key in its order, empty for none. */
export interface FoundTable {
  readonly columns: ReadonlyMap<string, string>
  readonly key: readonly string[]
}

/** A row of so many columns fits PostgreSQL's page, whatever is in it. */
export const columnsMax = 250
/** PostgreSQL's own limit of an index. */
export const keyColumnsMax = 32

const nameShape = /^[a-z_][a-z0-9_]{0,62}$/
const types: readonly string[] = ['text', 'float8', 'int8', 'boolean', 'timestamptz', 'jsonb'] satisfies ColumnType[]
const ownTables = [
  ...['candles', 'partitions', 'topic_identity', 'partition_state', 'outbox'],
  ...['dead_letters', 'late_ranges', 'store_meta', 'topologies', 'coverage', 'quarantine'],
]
const ownPrefixes = ['redwick_', 'pg_']
const systemColumns = ['ctid', 'tableoid', 'xmin', 'cmin', 'xmax', 'cmax']

/**
 * Checks what a topology says of a table, before any store is asked.
 *
 * @throws {FatalError} `BAD_TABLE`.
 */
export function checkTable(spec: TableSpec): void {
  const why = troubleOf(spec)
  if (why === undefined) return
  throw new FatalError({
    code: 'BAD_TABLE',
    message: `${JSON.stringify(spec.table)} cannot be a table of a topology`,
    why,
    hint: `Names fit ${nameShape.source}; types are ${types.join(', ')}; a key is at least one column, none of them jsonb.`,
    exitCode: exitCodes.config,
  })
}

function troubleOf({ table, columns, key }: TableSpec): string | undefined {
  if (!nameShape.test(table)) return `The name does not fit ${nameShape.source}.`
  if (ownTables.includes(table)) return 'It is a table of Redwick.'
  const prefix = ownPrefixes.find((each) => table.startsWith(each))
  if (prefix !== undefined) return `Names that begin with ${prefix} are not for topologies.`
  const entries = Object.entries(columns)
  if (entries.length > columnsMax) return `It has ${entries.length} columns, at most ${columnsMax} are taken.`
  for (const [name, type] of entries) {
    if (!nameShape.test(name)) return `The column name ${JSON.stringify(name)} does not fit ${nameShape.source}.`
    if (systemColumns.includes(name)) return `Every table has a column ${name} of PostgreSQL's own.`
    if (!types.includes(type)) return `Column ${name} has the type ${JSON.stringify(type)}, which is not known.`
  }
  return keyTroubleOf(columns, key)
}

function keyTroubleOf(columns: TableSpec['columns'], key: readonly string[]): string | undefined {
  if (key.length === 0) return 'It has no key.'
  if (key.length > keyColumnsMax) return `Its key has ${key.length} columns, at most ${keyColumnsMax} are taken.`
  if (new Set(key).size !== key.length) return 'Its key names a column twice.'
  for (const name of key) {
    if (!Object.hasOwn(columns, name)) return `Its key names ${JSON.stringify(name)}, which is no column.`
    if (columns[name] === 'jsonb') return `Its key has the jsonb column ${name}: JSON has no order of its own.`
  }
  return undefined
}

/**
 * Compares a table that is there with what a topology wants to write.
 *
 * @throws {FatalError} `TABLE_DIFFERS` (exit 78), naming each difference.
 */
export function checkSameTable(spec: TableSpec, found: FoundTable): void {
  const differences = Object.entries(spec.columns).flatMap(([name, type]) => {
    const there = found.columns.get(name)
    if (there === undefined) return [`column ${name} is missing`]
    return there === type ? [] : [`column ${name} is ${there}, not ${type}`]
  })
  for (const name of found.columns.keys())
    if (!Object.hasOwn(spec.columns, name)) differences.push(`column ${name} is not the topology's`)
  if (found.key.join() !== spec.key.join())
    differences.push(`the primary key is (${found.key.join(', ')}), not (${spec.key.join(', ')})`)
  if (differences.length > 0) throw tableDiffers(spec.table, `${differences.join('; ')}.`)
}

/** @param why  One sentence that names what differs. */
export function tableDiffers(table: string, why: string): FatalError {
  return new FatalError({
    code: 'TABLE_DIFFERS',
    message: `Table ${table} of the store is not the one that the topology writes`,
    why: `In the store: ${why}`,
    hint: 'Change the topology, or give it a table of another name; the one in the store was left as it is.',
    exitCode: exitCodes.config,
  })
}
