import { type Codec, jsonCodec } from '../../processors/core/codec.ts'
import type { Flag, StreamRecord } from '../../processors/core/stream-record.ts'
import type { SideTag } from '../../processors/operators/side-output.ts'
import type { RecordOf } from '../../schemas/avro-type.ts'
import type { TableRow, TableSpec } from '../../schemas/table.ts'

/** What every sink of records says of itself. */
interface Described {
  readonly name: string
  readonly guarantee: string
  /** Takes what comes by this side output, not the main stream. */
  readonly side?: string
}

/** Rows of a table, in the transaction that holds offsets and state. */
export interface TableSink<T, F extends Flag> extends Described {
  readonly sink: 'table'
  readonly spec: TableSpec
  row(value: T, record: StreamRecord<T, F>): TableRow
}

/** Records of a topic, after the commit. */
export interface TopicSink<T, F extends Flag> extends Described {
  readonly sink: 'topic'
  readonly schema: object
  readonly partitions?: number
  value(value: T, record: StreamRecord<T, F>): unknown
}

/** A function of the user, after the commit. */
export interface CallbackSink<T, F extends Flag> extends Described {
  readonly sink: 'callback'
  readonly codec: Codec<T>
  call(record: StreamRecord<T, F>): void | Promise<void>
}

export type RecordSink<T, F extends Flag = Flag> = TableSink<T, F> | TopicSink<T, F> | CallbackSink<T, F>

/**
 * A table of the store: one row a key, exactly once. A final or a correction replaces the row of its key, a retraction
 * takes it out; updates of open windows are left out.
 *
 * @param row What a record's row is; a row that does not fit the columns becomes a dead letter.
 */
export function toTable<T, F extends Flag>(
  table: string,
  options: Pick<TableSpec, 'columns' | 'key'> & { row(value: T, record: StreamRecord<T, F>): TableRow },
): TableSink<T, F> {
  const spec: TableSpec = { table, columns: options.columns, key: options.key }
  return { sink: 'table', name: table, guarantee: 'exactly once', spec, row: options.row }
}

/**
 * A topic of Avro records, keyed by the record's key. Header `redwick-flag` says what a record is, `redwick-id` is the same
 * each time it is published again after a crash.
 *
 * @param schema Declared `as const`. @param value What a record's value is.
 */
export function toTopic<T, F extends Flag, const Schema extends object>(
  topic: string,
  options: {
    readonly schema: Schema
    /** Default: as many as the stage has. */
    readonly partitions?: number
    value(value: T, record: StreamRecord<T, F>): RecordOf<Schema>
  },
): TopicSink<T, F> {
  return {
    sink: 'topic',
    name: topic,
    guarantee: 'at least once, each with an id',
    schema: options.schema,
    value: options.value,
    ...(options.partitions === undefined ? {} : { partitions: options.partitions }),
  }
}

/**
 * A function, called with each record after its commit: again, in the same order, where a crash came between. One that
 * throws is called again, and after some tries its record is a dead letter.
 *
 * @param id Stable name of what waits for it.
 */
export function toCallback<T, F extends Flag>(
  id: string,
  call: (record: StreamRecord<T, F>) => void | Promise<void>,
  codec: Codec<T> = jsonCodec<T>(),
): CallbackSink<T, F> {
  return { sink: 'callback', name: id, guarantee: 'at least once', codec, call }
}

/** Sinks of a side output. */
export function fromSide<T>(tag: SideTag<T>, ...sinks: readonly RecordSink<T>[]): RecordSink<never>[] {
  // What comes by a tag is of its type: `sideOutput` and the steps that take a tag see to it.
  return sinks.map((sink) => ({ ...sink, side: tag.name })) as unknown as RecordSink<never>[]
}
