import type { Commit } from '../../ports/candle-store.ts'
import { FatalError, invariant } from '../../schemas/errors.ts'
import { checkSameTable, checkTable, type TableRow, type TableSpec, type TableValue } from '../../schemas/table.ts'
import { checkChange, keyText } from '../../schemas/table-row.ts'

/** Tables of topologies, in memory: what a store keeps, without waiting for it. */
export interface MemoryTables {
  /** @throws {FatalError} `BAD_TABLE`, `TABLE_DIFFERS`. */
  ensureTable(spec: TableSpec): void
  /** Ascending by key, as a store gives them. @throws {FatalError} `TABLE_UNKNOWN`. */
  rows(table: string, options: { readonly limit: number }): readonly TableRow[]
  /** Throws before anything is changed. */
  check(commit: Commit): void
  apply(commit: Commit): void
}

interface MemoryTable {
  readonly spec: TableSpec
  readonly rows: Map<string, TableRow>
}

export function createMemoryTables(): MemoryTables {
  const tables = new Map<string, MemoryTable>()
  const tableOf = (name: string): MemoryTable => {
    const found = tables.get(name)
    invariant(found !== undefined, `table ${name} was ensured before a commit writes it`)
    return found
  }
  const changesOf = (commit: Commit) => commit.partitions.flatMap((part) => part.tables ?? [])

  return {
    ensureTable(spec) {
      checkTable(spec)
      const there = tables.get(spec.table)
      if (there === undefined) tables.set(spec.table, { spec, rows: new Map() })
      else checkSameTable(spec, { columns: new Map(Object.entries(there.spec.columns)), key: there.spec.key })
    },
    rows(name, { limit }) {
      const table = tables.get(name)
      if (table === undefined) throw new FatalError({ code: 'TABLE_UNKNOWN', message: `table ${name} was not ensured` })
      return [...table.rows.values()].sort(byKey(table.spec)).slice(0, Math.max(limit, 0))
    },
    check(commit) {
      const keys = new Set<string>()
      for (const change of changesOf(commit)) {
        const { spec } = tableOf(change.table)
        checkChange(spec, change)
        const key = `${change.table} ${keyText(spec, change.key)}`
        invariant(!keys.has(key), `${change.table}: a commit has one word about a key`)
        keys.add(key)
      }
    },
    apply(commit) {
      for (const { table, key, row } of changesOf(commit)) {
        const { spec, rows } = tableOf(table)
        if (row === undefined) rows.delete(keyText(spec, key))
        else rows.set(keyText(spec, key), stored(spec, row))
      }
    },
  }
}

/** The row as a database gives it back: its own, and -0 only where a column can hold it. */
function stored(spec: TableSpec, row: TableRow): TableRow {
  const fields = Object.entries(spec.columns).map(([name, type]): [string, TableValue] => {
    const value = row[name] ?? null
    return [name, type === 'float8' && !spec.key.includes(name) ? value : copyOf(value)]
  })
  return Object.fromEntries(fields)
}

const copyOf = (value: TableValue): TableValue => JSON.parse(JSON.stringify(value)) as TableValue

function byKey(spec: TableSpec): (a: TableRow, b: TableRow) => number {
  return (a, b) => {
    for (const name of spec.key) {
      const order = compare(a[name], b[name])
      if (order !== 0) return order
    }
    return 0
  }
}

function compare(a: TableValue | undefined, b: TableValue | undefined): number {
  if (typeof a === 'string' && typeof b === 'string') return Buffer.compare(Buffer.from(a), Buffer.from(b))
  return Number(a) - Number(b)
}
