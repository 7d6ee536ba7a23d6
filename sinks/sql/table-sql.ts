import type { ColumnType, TableSpec } from '../../schemas/table.ts'
import type { SqlStatement } from './sql-transport.ts'
import { columnSql } from './table-values.ts'

// Names were checked (`checkTable`); they are quoted because a name may be a word of SQL.
const quoted = (name: string): string => `"${name}"`
const list = (names: readonly string[], of: (name: string) => string): string => names.map(of).join(', ')
/** By bytes, whatever collation a table has that was there before. */
const byBytes = (spec: TableSpec, prefix = ''): string =>
  list(spec.key, (name) => `${prefix}${quoted(name)}${spec.columns[name] === 'text' ? ' COLLATE "C"' : ''}`)

const columnDefinition = ([name, type]: readonly [string, ColumnType]): string =>
  `${quoted(name)} ${type}${type === 'text' ? ' COLLATE "C"' : ''}`

export function createTableStatement(spec: TableSpec): SqlStatement {
  const columns = Object.entries(spec.columns).map(columnDefinition).join(', ')
  return {
    text: `CREATE TABLE IF NOT EXISTS ${quoted(spec.table)} (${columns}, PRIMARY KEY (${list(spec.key, quoted)}))`,
  }
}

/** What has the table's name: whether it is a table, then its columns: name, type, place in the primary key or null. */
export function describeTableStatement(spec: TableSpec): SqlStatement {
  return {
    text: `SELECT c.relkind IN ('r', 'p'), a.attname::text,
        CASE format_type(a.atttypid, a.atttypmod) WHEN 'double precision' THEN 'float8' WHEN 'bigint' THEN 'int8'
          WHEN 'timestamp with time zone' THEN 'timestamptz' ELSE format_type(a.atttypid, a.atttypmod) END
          || CASE WHEN a.attnotnull AND array_position(i.indkey::int2[], a.attnum) IS NULL THEN ' NOT NULL' ELSE '' END
          || CASE WHEN a.attgenerated <> '' OR a.attidentity <> '' THEN ' GENERATED' ELSE '' END,
        array_position(i.indkey::int2[], a.attnum)
      FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
      LEFT JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary AND i.indimmediate
      WHERE c.oid = to_regclass($1) ORDER BY a.attnum`,
    parameters: [quoted(spec.table)],
  }
}

/**
 * Staged rows to the table. Rows go in order of their key: two writers in opposite order would deadlock. Equal rows
 * are left alone; float8 is compared by its bytes, as 0 = -0.
 */
export function mergeTableSql(spec: TableSpec, stageKind: number): string {
  const names = Object.keys(spec.columns)
  const values = names.filter((name) => !spec.key.includes(name))
  const compared = (prefix: string) => (name: string) =>
    spec.columns[name] === 'float8' ? `float8send(${prefix}${quoted(name)})` : `${prefix}${quoted(name)}`
  const record = (columns: readonly string[]) => list(columns, (name) => `${quoted(name)} ${spec.columns[name]}`)
  const staged = `s.kind = ${stageKind} AND s.t1 = '${spec.table}'`
  const onConflict =
    values.length === 0
      ? 'NOTHING'
      : `UPDATE SET ${list(values, (name) => `${quoted(name)} = EXCLUDED.${quoted(name)}`)}
        WHERE (${list(values, compared('t.'))}) IS DISTINCT FROM (${list(values, compared('EXCLUDED.'))})`
  return `
    INSERT INTO ${quoted(spec.table)} AS t (${list(names, quoted)})
    SELECT ${list(names, (name) => `r.${quoted(name)}`)}
    FROM redwick_stage s, json_to_record(s.t2::json) AS r(${record(names)})
    WHERE ${staged} AND s.t2 IS NOT NULL ORDER BY ${byBytes(spec, 'r.')}
    ON CONFLICT (${list(spec.key, quoted)}) DO ${onConflict};
    DELETE FROM ${quoted(spec.table)} t USING (
      SELECT ${list(spec.key, (name) => `held.${quoted(name)}`)}
      FROM redwick_stage s, json_to_record(s.t3::json) AS r(${record(spec.key)}), ${quoted(spec.table)} held
      WHERE ${staged} AND s.t3 IS NOT NULL AND ${matching(spec, 'held', 'r')}
      ORDER BY ${byBytes(spec, 'held.')} FOR UPDATE OF held) gone
    WHERE ${matching(spec, 't', 'gone')};`
}

const matching = (spec: TableSpec, one: string, other: string): string =>
  spec.key.map((name) => `${one}.${quoted(name)} = ${other}.${quoted(name)}`).join(' AND ')

export function rowsStatement(spec: TableSpec, limit: number): SqlStatement {
  const selected = Object.entries(spec.columns).map(([name, type]) => columnSql(type, quoted(name)))
  return {
    text: `SELECT ${selected.join(', ')} FROM ${quoted(spec.table)} ORDER BY ${byBytes(spec)} LIMIT $1::bigint`,
    parameters: [limit],
  }
}
