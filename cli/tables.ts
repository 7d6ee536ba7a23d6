import type { CandleStore } from '../ports/candle-store.ts'
import type { TableRow, TableSpec, TableValue } from '../schemas/table.ts'
import type { RecordTopology } from '../topology/records/declaration.ts'

function tablesOf({ stages }: RecordTopology): TableSpec[] {
  return stages.flatMap(({ end }) =>
    end.kind === 'sinks' ? end.sinks.flatMap((sink) => (sink.sink === 'table' ? [sink.spec] : [])) : [],
  )
}

function cell(value: TableValue | undefined, type: string | undefined): string {
  if (type === 'timestamptz' && typeof value === 'number') return new Date(value).toISOString()
  return typeof value === 'string' ? value : JSON.stringify(value ?? null)
}

/** Text in columns, or one JSON object a row. */
function print({ table, columns }: TableSpec, rows: readonly TableRow[], isJson: boolean): void {
  if (isJson) {
    for (const row of rows) process.stdout.write(`${JSON.stringify({ table, row })}\n`)
    return
  }
  const names = Object.keys(columns)
  const lines = [names, ...rows.map((row) => names.map((name) => cell(row[name], columns[name])))]
  const widths = names.map((_, at) => Math.max(...lines.map((line) => line[at]?.length ?? 0)))
  process.stdout.write(`${table}\n`)
  for (const line of lines)
    process.stdout.write(
      `  ${line
        .map((text, at) => text.padEnd(widths[at] ?? 0))
        .join('  ')
        .trimEnd()}\n`,
    )
}

/** Shows the first rows of each table that a topology writes. */
export async function printTables(
  topology: RecordTopology,
  store: CandleStore,
  { isJson, limit }: { readonly isJson: boolean; readonly limit: number },
): Promise<void> {
  for (const spec of tablesOf(topology)) print(spec, await store.rows(spec.table, { limit }), isJson)
}
