import type { Flag, StreamRecord } from '../../processors/core/stream-record.ts'
import { createRecordDecoder, createRecordEncoder } from '../../schemas/avro-codec.ts'
import { type ControlRecord, controlAvro, controlHeader } from '../../schemas/control.ts'
import { createControlEncoder } from '../../schemas/control-codec.ts'
import { invariant } from '../../schemas/errors.ts'
import { partitionOfKey } from '../../schemas/partitioner.ts'
import { type Tick, tickAvro } from '../../schemas/tick.ts'
import { createTickEncoder } from '../../schemas/tick-encoder.ts'
import type { RecordTopology, StageDeclaration, StageSource } from '../records/declaration.ts'
import { flagHeader, idHeader } from '../records/delivery.ts'
import { internalPartitions } from '../records/partition-counts.ts'
import type { TopicSink } from '../records/sinks.ts'
import type { LoggedRecord, MemoryLog } from './memory-log.ts'

/** Ids of schemas, as a registry would give them. */
export interface SchemaIds {
  readonly schemas: ReadonlyMap<number, object>
  idOf(schema: object): number
}

export function createSchemaIds(): SchemaIds {
  const ids = new Map<object, number>()
  const schemas = new Map<number, object>()
  return {
    schemas,
    idOf(schema) {
      const id = ids.get(schema) ?? ids.size + 1
      ids.set(schema, id)
      schemas.set(id, schema)
      return id
    },
  }
}

/** Partitions of what a stage reads, and of what writes to it. */
export interface StagePlace {
  readonly partitions: number
  readonly inputPartitions: readonly number[]
}

export type PartitionCounts = number | Readonly<Record<string, number>>

export const partitionsDefault = 4

export function countOf(counts: PartitionCounts | undefined, topic: string): number {
  const given = typeof counts === 'object' ? counts[topic] : counts
  return given ?? partitionsDefault
}

/** Makes the topics that stages read, upstream before downstream. @throws {FatalError} `PARTITION_COUNTS`. */
export function placeStages(
  { stages }: RecordTopology,
  counts: PartitionCounts | undefined,
  log: MemoryLog,
): ReadonlyMap<string, StagePlace> {
  const places = new Map<string, StagePlace>()
  const sourceOf = new Map(stages.map(({ name, source }) => [name, source.topic]))
  for (const { name, source } of stages) {
    if (source.kind !== 'internal') places.set(name, { partitions: countOf(counts, source.topic), inputPartitions: [] })
    else {
      const inputs = source.inputs.map(
        (input) => [sourceOf.get(input) ?? input, places.get(input)?.partitions ?? 0] as const,
      )
      const partitions = internalPartitions(source, inputs)
      places.set(name, { partitions, inputPartitions: inputs.map(([, count]) => count) })
    }
    log.makeTopic(source.topic, places.get(name)?.partitions ?? 0)
  }
  return places
}

/** What can be written to a topic of ticks: all but markers of history, which are read from elsewhere. */
export type TickInput = Tick | Exclude<ControlRecord, { readonly kind: 'history' }>

/** Writes ticks and control records: a move goes to its symbol's partition, any other control record to all. */
export function tickWriter(log: MemoryLog, topic: string, partitions: number, ids: SchemaIds) {
  const encodeTick = createTickEncoder(ids.idOf(tickAvro))
  const encodeControl = createControlEncoder(ids.idOf(controlAvro))
  return (input: TickInput, appendTime: number): void => {
    if (!('kind' in input)) {
      const key = input.symbol
      log.append(topic, [{ partition: partitionOfKey(key, partitions), key, value: encodeTick(input) }], appendTime)
      return
    }
    const all = Array.from({ length: partitions }, (_, partition) => partition)
    const to = input.kind === 'move' ? [partitionOfKey(input.symbol, partitions)] : all
    const headers = { [controlHeader]: input.kind }
    const value = encodeControl(input)
    log.append(
      topic,
      to.map((partition) => ({ partition, key: null, value, headers })),
      appendTime,
    )
  }
}

/** Writes what a source reads, each to the partition of its key. */
export function sourceWriter(
  source: Exclude<StageSource, { kind: 'internal' }>,
  partitions: number,
  log: MemoryLog,
  ids: SchemaIds,
): (record: object, appendTime: number) => void {
  const { topic } = source
  if (source.kind === 'ticks') {
    const write = tickWriter(log, topic, partitions, ids)
    // What is no tick does not encode.
    return (record, appendTime) => write(record as TickInput, appendTime)
  }
  const encode = createRecordEncoder(source.schema, ids.idOf(source.schema))
  return (record, appendTime) => {
    const value = encode(record as never)
    const key = String((record as Record<string, unknown>)[source.key])
    log.append(topic, [{ partition: partitionOfKey(key, partitions), key, value }], appendTime)
  }
}

/** A record that was published to a topic of the topology. */
export interface PublishedRecord {
  readonly key: string
  readonly value: unknown
  readonly flag: Flag
  /** The same each time it is published. */
  readonly id: string
  readonly partition: number
}

/** Reads what a topic sink wrote. */
export function publishedReader(
  sink: TopicSink<never, Flag>,
  ids: SchemaIds,
): (record: LoggedRecord) => PublishedRecord {
  const decoder = createRecordDecoder(sink.schema, async () => undefined, ids.schemas)
  return ({ partition, key, value, headers }) => {
    const decoded = decoder.decode(value)
    invariant(decoded.status === 'value', `${sink.name} holds records of its schema`)
    const flag = String(headers?.[flagHeader]) as Flag
    return { key: key?.toString() ?? '', value: decoded.value, flag, id: String(headers?.[idHeader]), partition }
  }
}

/** The stage that reads what another writes. */
export function readerOf({ stages }: RecordTopology, topic: string): StageDeclaration {
  const found = stages.find(({ source }) => source.topic === topic)
  invariant(found !== undefined, `${topic} is read by a stage`)
  return found
}

/** What a callback was called with. */
export type Called = StreamRecord<unknown, Flag>
