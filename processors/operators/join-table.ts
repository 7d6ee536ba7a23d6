import { invariant } from '../../schemas/errors.ts'
import type { Codec } from '../core/codec.ts'
import { createKeyedState } from '../core/keyed-state.ts'
import { type From, isFrom } from '../core/tagged.ts'
import { type RecordStep, recordStep } from './record-step.ts'

export interface JoinTableOptions<Stream extends string, L, Table extends string, Row, V> {
  /** Name of the input whose records look up. */
  readonly stream: Stream
  /** Name of the input whose records are rows. */
  readonly table: Table
  readonly codec: Codec<Row>
  /** What comes of a record and its key's latest row; undefined for nothing. */
  select(value: L, row: Row | undefined): V | undefined
}

/** How a record of the table's input becomes a row. */
export interface TableRows<R, Row> {
  /** Null or undefined deletes the key's row. */
  toTable(value: R): Row | null | undefined
}

/**
 * Joins each record of a stream with the latest row of its key in a table.
 *
 * Both inputs stand in one partition of one topic, so "latest" is a fact of the log: event times do not matter. A
 * record of the table puts nothing out. What `select` or `toTable` throws refuses the record, and leaves the row as it
 * was.
 *
 * ```
 * given   -t--q--t--d--t--     t: a trade    q: a quote of 5    d: a deletion    (all of one key)
 * joinTable('quoted', { stream: 'trades', table: 'quotes', ... })
 * gives   -A-----B-----A--     A: the trade without a quote    B: with the quote of 5
 * ```
 *
 * @param id Stable name of its state: the rows.
 */
export function joinTable<Stream extends string, L, Table extends string, R, Row, V>(
  id: string,
  options: JoinTableOptions<Stream, L, Table, Row, V> & TableRows<R, Row>,
): RecordStep<From<Stream, L> | From<Table, R>, 'event', V, 'event'>
export function joinTable<Stream extends string, L, Table extends string, Row, V>(
  id: string,
  options: JoinTableOptions<Stream, L, Table, Row, V> & { readonly toTable?: undefined },
): RecordStep<From<Stream, L> | From<Table, Row | null | undefined>, 'event', V, 'event'>
export function joinTable<L, Row, V>(
  id: string,
  options: JoinTableOptions<string, L, string, Row, V> & {
    readonly toTable?: TableRows<Row | null | undefined, Row>['toTable'] | undefined
  },
): RecordStep<From<string, unknown>, 'event', V, 'event'> {
  const { stream, table, codec, select } = options
  const toTable = options.toTable ?? ((row) => row)
  invariant(stream !== table, () => `the two inputs of a join have names of their own, were ${stream} and ${table}`)
  return recordStep({ operator: 'joinTable', id, options: { stream, table } }, ({ restored }) => {
    const rows = createKeyedState(rowCodec(codec))
    for (const reader of restored(id)) rows.read(reader)
    return {
      record(record, emit) {
        const { key, value: tagged } = record
        if (isFrom<string, L>(tagged, stream)) {
          const selected = select(tagged.value, rows.get(key)?.row)
          if (selected !== undefined) emit({ ...record, value: selected })
          return
        }
        const isRow = isFrom<string, Row | null | undefined>(tagged, table)
        invariant(isRow, () => `a record of this join is from ${stream} or ${table}, was from ${tagged.from}`)
        const row = toTable(tagged.value)
        if (row === undefined || row === null) rows.delete(key)
        else rows.set(key, { row })
      },
      barrier: (barrier) => rows.write(barrier.state(id), barrier.full),
    }
  })
}

/** State holds objects; a row may be any value. */
function rowCodec<Row>(codec: Codec<Row>): Codec<{ readonly row: Row }> {
  return { write: (writer, { row }) => codec.write(writer, row), read: (reader) => ({ row: codec.read(reader) }) }
}
