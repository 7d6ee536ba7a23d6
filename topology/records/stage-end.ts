import { createByteWriter } from '../../processors/core/byte-buffer.ts'
import { packEnvelope } from '../../processors/core/envelope.ts'
import type { Flag, StreamRecord } from '../../processors/core/stream-record.ts'
import { createRecordEncoder } from '../../schemas/avro-codec.ts'
import { messageOf } from '../../schemas/errors.ts'
import { partitionOfKey } from '../../schemas/partitioner.ts'
import type { TableChange, TableRow } from '../../schemas/table.ts'
import { checkRow } from '../../schemas/table-row.ts'
import type { InternalEnd } from './declaration.ts'
import type { Owed } from './owed.ts'
import type { CallbackSink, RecordSink, TableSink, TopicSink } from './sinks.ts'

/** Key and value of a record that is published: a broker takes 1 MiB, headers and framing included. */
export const recordBytesMax = 1_000_000

/** What a broker would not take after the commit must not be in it. @throws {RangeError} */
function checkSize(key: string, value: Uint8Array): void {
  const bytes = Buffer.byteLength(key) + value.length
  if (bytes > recordBytesMax)
    throw new RangeError(`key and value of a record are at most ${recordBytesMax} bytes, were ${bytes}`)
}

/** A sink could not take a record. */
export interface Trouble {
  readonly sink: string
  readonly trouble: string
}

/** What a record comes to at the end of a stage. */
export type Written = Owed | TableChange | Trouble

/** The end of a stage: turns records into what a commit writes and owes. */
export interface EndWriter {
  /**
   * @param side    The side output that it came by; undefined for the main stream.
   * @param source  Partition of the stage.
   * @param nextSeq Gives the next number of what the partition owes.
   */
  write(
    record: StreamRecord<unknown, Flag>,
    side: string | undefined,
    source: number,
    watermark: number,
    nextSeq: () => number,
  ): Written[]
  /** Tells every partition of an internal topic how far time is. */
  time(kind: 'watermark' | 'idle', source: number, watermark: number, nextSeq: () => number): Owed[]
}

/** The end before an internal topic: each record goes to the partition of its new key. */
export function createInternalEnd(end: InternalEnd, topic: string, partitions: number): EndWriter {
  const { input } = end
  const owe = (partition: number, key: string, flag: Flag | '', seq: number, value: Uint8Array): Owed => ({
    ...{ to: 'topic', name: topic, partition, key, value, seq, flag },
  })
  return {
    write(record, side, source, watermark, nextSeq) {
      if (side !== undefined) return [{ sink: side, trouble: 'a side output needs a sink of its own' }]
      try {
        const { flag, value, eventTime } = record
        const key = end.key(value)
        if (typeof key !== 'string' || key === '') throw new TypeError('a key is a text that is not empty')
        const payload = end.crossing.pack(value)
        const seq = nextSeq()
        const envelope = packEnvelope({
          ...{ kind: 'record', input, source, seq, watermark, flag, key, eventTime, payload },
        })
        checkSize(key, envelope)
        return [owe(partitionOfKey(key, partitions), key, flag, seq, envelope)]
      } catch (error) {
        return [{ sink: topic, trouble: messageOf(error) }]
      }
    },
    time: (kind, source, watermark, nextSeq) =>
      Array.from({ length: partitions }, (_, partition) => {
        const seq = nextSeq()
        return owe(partition, '', '', seq, packEnvelope({ kind, input, source, seq, watermark }))
      }),
  }
}

/** A topic sink as it runs: its name with the platform's prefix, its partitions, and how a record is encoded. */
export interface OpenTopic {
  readonly topic: string
  readonly partitions: number
  encode(record: StreamRecord<unknown, Flag>): Uint8Array
}

/** @throws {FatalError} `BAD_SCHEMA`, `AMBIGUOUS_UNION`. */
export function openTopicSink(
  sink: TopicSink<never, Flag>,
  topic: string,
  partitions: number,
  schemaId: number,
): OpenTopic {
  const encode = createRecordEncoder(sink.schema, schemaId)
  return {
    topic,
    partitions,
    // The value's type is checked where the sink is declared, and by the encoder.
    encode: (record) => encode(sink.value(record.value as never, record as never) as never),
  }
}

function changeOf(sink: TableSink<never, Flag>, record: StreamRecord<never, Flag>): TableChange {
  const row = sink.row(record.value, record)
  checkRow(sink.spec, row)
  const key: TableRow = Object.fromEntries(sink.spec.key.map((name) => [name, row[name] ?? null]))
  return { table: sink.spec.table, key, row: record.flag === 'retraction' ? undefined : row }
}

function callbackOwed(sink: CallbackSink<never, Flag>, record: StreamRecord<never, Flag>, seq: number): Owed {
  const writer = createByteWriter(64)
  writer.f64(record.eventTime)
  writer.uint(record.offset)
  sink.codec.write(writer, record.value)
  const { key, flag } = record
  return { to: 'callback', name: sink.name, partition: 0, key, value: writer.finish(), seq, flag }
}

/** By sink: several may write one topic, each in its own way. */
export type OpenTopics = ReadonlyMap<RecordSink<never>, OpenTopic>

/** The end before sinks. A table holds no updates of open windows: they are over with the next. */
export function createSinksEnd(sinks: readonly RecordSink<never>[], topics: OpenTopics): EndWriter {
  const write = (sink: RecordSink<never>, record: StreamRecord<never, Flag>, nextSeq: () => number): Written => {
    try {
      if (sink.sink === 'table') return changeOf(sink, record)
      if (sink.sink === 'callback') return callbackOwed(sink, record, nextSeq())
      const open = topics.get(sink)
      if (open === undefined) throw new RangeError(`the topic ${sink.name} is not open`)
      const value = open.encode(record)
      checkSize(record.key, value)
      const partition = partitionOfKey(record.key, open.partitions)
      const { key, flag } = record
      return { to: 'topic', name: open.topic, partition, key, value, seq: nextSeq(), flag }
    } catch (error) {
      return { sink: sink.name, trouble: messageOf(error) }
    }
  }
  return {
    write(record, side, _source, _watermark, nextSeq) {
      // Sinks take what their types say: `to` and `fromSide` saw to it.
      return sinks
        .filter((sink) => sink.side === side && !(sink.sink === 'table' && record.flag === 'update'))
        .map((sink) => write(sink, record as never, nextSeq))
    },
    time: () => [],
  }
}
