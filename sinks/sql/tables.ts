import type { CandleStore, Commit } from '../../ports/candle-store.ts'
import { exitCodes, FatalError, invariant } from '../../schemas/errors.ts'
import { checkSameTable, checkTable, type TableSpec, tableDiffers } from '../../schemas/table.ts'
import { checkChange, keyText } from '../../schemas/table-row.ts'
import { schemaLock } from './migrate.ts'
import type { SqlRows, SqlTransport } from './sql-transport.ts'
import { toNumber, toText } from './sql-values.ts'
import { createTableStatement, describeTableStatement, rowsStatement } from './table-sql.ts'
import { toTableValue } from './table-values.ts'

interface Tables {
  readonly ensure: CandleStore['ensureTable']
  readonly rows: CandleStore['rows']
  /**
   * The tables that a commit writes, by name: two writers take their locks in one order.
   *
   * @throws {InvariantViolation} Where a change could not be written, or a key is there twice.
   */
  writtenBy(commit: Commit): readonly TableSpec[]
}

/** The tables of topologies that a store has been told of. */
export function createTables(transport: SqlTransport): Tables {
  const known = new Map<string, TableSpec>()

  return {
    async ensure(spec) {
      checkTable(spec)
      // Without the lock a second CREATE TABLE IF NOT EXISTS at the same moment fails.
      const [, , found = []] = await transport.transaction([
        { text: `SELECT pg_advisory_xact_lock(${schemaLock})` },
        createTableStatement(spec),
        describeTableStatement(spec),
      ])
      checkFound(spec, found)
      known.set(spec.table, spec)
    },
    async rows(table, { limit }) {
      const spec = known.get(table)
      if (spec === undefined) throw tableUnknown(table)
      if (limit <= 0) return []
      const columns = Object.entries(spec.columns)
      const rows = await transport.query(rowsStatement(spec, limit))
      return rows.map((row) =>
        Object.fromEntries(columns.map(([name, type], at) => [name, toTableValue(type, row[at])])),
      )
    },
    writtenBy(commit) {
      const written = new Map<string, TableSpec>()
      const keys = new Set<string>()
      for (const change of commit.partitions.flatMap((part) => part.tables ?? [])) {
        const spec = known.get(change.table)
        invariant(spec !== undefined, () => `table ${change.table} was ensured before a commit writes it`)
        checkChange(spec, change)
        const key = `${change.table} ${keyText(spec, change.key)}`
        invariant(!keys.has(key), () => `${change.table}: a commit has one word about a key`)
        keys.add(key)
        written.set(change.table, spec)
      }
      return [...written.values()].sort((a, b) => (a.table < b.table ? -1 : 1))
    },
  }
}

function checkFound(spec: TableSpec, found: SqlRows): void {
  if (found[0]?.[0] !== true) throw tableDiffers(spec.table, 'it is no table.')
  const key = found
    .flatMap(([, name, , place]) => (place === null ? [] : [{ name: toText(name), place: toNumber(place) }]))
    .sort((a, b) => a.place - b.place)
  checkSameTable(spec, {
    columns: new Map(found.map(([, name, type]) => [toText(name), toText(type)])),
    key: key.map(({ name }) => name),
  })
}

function tableUnknown(table: string): FatalError {
  return new FatalError({
    code: 'TABLE_UNKNOWN',
    message: `The store was not told of a table ${JSON.stringify(table)}`,
    why: 'Rows are read by the columns and key that a topology declares.',
    hint: 'Declare it (ensureTable) before it is read.',
    exitCode: exitCodes.config,
  })
}
