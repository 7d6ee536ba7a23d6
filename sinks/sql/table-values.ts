import { invariant } from '../../schemas/errors.ts'
import type { ColumnType, TableRow, TableSpec, TableValue } from '../../schemas/table.ts'
import { epochMsSql, toBoolean, toNumber, toText } from './sql-values.ts'

/** Columns of a checked row as JSON, for `json_to_record`; a key's -0 is 0, as it is in an index. */
export function jsonOf(spec: TableSpec, names: readonly string[], row: TableRow): string {
  const fields = names.map((name): [string, TableValue] => {
    const value = row[name]
    const type = spec.columns[name]
    invariant(value !== undefined && type !== undefined, () => `${spec.table}.${name}: a row has every column`)
    return [name, spec.key.includes(name) && value === 0 ? 0 : staged(type, value)]
  })
  return JSON.stringify(Object.fromEntries(fields))
}

function staged(type: ColumnType, value: TableValue): TableValue {
  if (typeof value !== 'number') return value
  // JSON.stringify writes -0 as 0.
  if (type === 'float8') return Object.is(value, -0) ? '-0' : value
  return type === 'timestamptz' ? timeText(value) : value
}

/** Epoch ms as PostgreSQL reads it: the year has four digits or more and no sign, and BC comes last. */
function timeText(epochMs: number): string {
  const iso = new Date(epochMs).toISOString()
  const year = new Date(epochMs).getUTCFullYear()
  const shown = String(year > 0 ? year : 1 - year).padStart(4, '0')
  return `${shown}${iso.slice(-20).replace('T', ' ')}${year > 0 ? '' : ' BC'}`
}

/** A column in a select list, in a form that every driver gives alike. */
export function columnSql(type: ColumnType, name: string): string {
  if (type === 'timestamptz') return epochMsSql(name)
  return type === 'jsonb' ? `${name}::text` : name
}

/** What `columnSql` selected. */
export function toTableValue(type: ColumnType, value: unknown): TableValue {
  if (value === null) return null
  switch (type) {
    case 'text':
      return toText(value)
    case 'boolean':
      return toBoolean(value)
    case 'jsonb':
      // What was stored is what `checkRow` let through.
      return JSON.parse(toText(value)) as TableValue
    case 'float8':
    case 'int8':
    case 'timestamptz':
      return toNumber(value)
  }
}
