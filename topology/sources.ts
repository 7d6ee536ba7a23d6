import type { OperatorFunction } from 'rxjs'
import { type Codec, jsonCodec } from '../processors/core/codec.ts'
import type { WatermarkPolicy } from '../processors/core/stream-element.ts'
import type { StreamRecord } from '../processors/core/stream-record.ts'
import type { Tagged } from '../processors/core/tagged.ts'
import type { RecordOf } from '../schemas/avro-type.ts'
import type { ColumnBatch } from '../schemas/columns.ts'
import { tickAvro } from '../schemas/tick.ts'

declare const carried: unique symbol

/** Where a topology begins. @typeParam Rows What its first step is given. */
export interface Source<Rows> {
  readonly [carried]?: Rows
}

/** A topic of ticks: read as columns. */
export interface TickSource extends Source<ColumnBatch> {
  readonly kind: 'ticks'
  readonly topic: string
  /** Name of the Avro schema. */
  readonly schema: string
  readonly key: string
  readonly eventTime: string
}

/** A topic of Avro records. */
export interface RecordSource<T> extends Source<StreamRecord<T>> {
  readonly kind: 'records'
  readonly topic: string
  readonly schema: object
  readonly key: string
  readonly eventTime: string
}

/** What of a stream was declared so far. @typeParam Rows What flows at its end. */
export interface Declared<Rows> extends Source<Rows> {
  readonly name: string
  readonly source: AnySource
  readonly watermark: WatermarkPolicy
  readonly operators: readonly OperatorFunction<never, unknown>[]
}

/** One of several streams that come together. */
export interface Input<T> {
  readonly stream: { readonly declared: Declared<StreamRecord<T>> }
  readonly key: (value: T) => string
  /** How values are written to the internal topic; default: JSON. */
  readonly codec?: Codec<T>
}

/** Several streams in one internal topic: records with one key meet in one partition, in an order that is in the log. */
export interface CoPartitioned<Streams extends Record<string, unknown>> extends Source<StreamRecord<Tagged<Streams>>> {
  readonly kind: 'co-partitioned'
  readonly id: string
  readonly inputs: readonly (readonly [name: string, input: Required<Input<unknown>>])[]
  readonly partitions?: number
}

export type AnySource = TickSource | RecordSource<unknown> | CoPartitioned<Record<string, unknown>>

interface AvroRecord<Field extends string = string> {
  readonly type: 'record'
  readonly name: string
  readonly fields: readonly { readonly name: Field }[]
}

/** What a topic of a schema gives: ticks come as columns, anything else as records. */
export type SourceOf<Schema> = Schema extends typeof tickAvro ? TickSource : RecordSource<RecordOf<Schema>>

/**
 * A topic as a source: of ticks (Redwick's own schema), which come as columns, or of any other Avro records.
 *
 * @param options.schema    Declared `as const`: the types of what follows come from it.
 * @param options.key       Field that the topic is keyed by: text, or a number.
 * @param options.eventTime Field that holds the event time, epoch ms.
 */
export function topic<const Schema extends AvroRecord>(
  name: string,
  options: {
    readonly schema: Schema
    readonly key: Schema['fields'][number]['name']
    readonly eventTime: Schema['fields'][number]['name']
  },
): SourceOf<Schema> {
  const { schema, key, eventTime } = options
  const isTicks: boolean = Object.is(schema, tickAvro)
  const source: AnySource = isTicks
    ? { kind: 'ticks', topic: name, schema: schema.name, key, eventTime }
    : { kind: 'records', topic: name, schema, key, eventTime }
  // The one place where the schema's type becomes the type of what flows.
  return source as unknown as SourceOf<Schema>
}

/**
 * Brings streams together by key: for `joinWindowed` and `joinTable`, or for one count over several streams. Their sources
 * have equal partition counts, or `partitions` is given.
 *
 * @param id Stable name of the internal topic.
 */
export function coPartition<Streams extends Record<string, unknown>>(
  id: string,
  inputs: { readonly [Name in keyof Streams]: Input<Streams[Name]> },
  { partitions }: { readonly partitions?: number } = {},
): CoPartitioned<Streams> {
  // A stream's values are what its key and codec take: the type above says so.
  const given = Object.entries(inputs as Readonly<Record<string, unknown>>) as (readonly [string, Input<unknown>])[]
  // By name: what is in the log knows an input by its place, however the declaration is arranged.
  const ordered = given.toSorted(([one], [other]) => (one < other ? -1 : 1))
  const all = ordered.map(([name, input]) => [name, { ...input, codec: input.codec ?? jsonCodec() }] as const)
  return { kind: 'co-partitioned', id, inputs: all, ...(partitions === undefined ? {} : { partitions }) }
}
