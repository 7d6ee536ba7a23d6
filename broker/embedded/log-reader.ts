import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Reader, ReadFrom, ReadOptions, StoredRecord } from '../../ports/broker.ts'
import { FatalError, messageOf } from '../../schemas/errors.ts'
import { offsetOutOfRange, unknownPartition, unknownTopic } from '../broker-errors.ts'
import { createSignal } from '../signal.ts'
import { readHeaders } from './frame.ts'
import type { PartitionLog } from './partition-log.ts'
import { RecordCursor } from './record-cursor.ts'
import type { TopicLog } from './topic-log.ts'

/** Records handed over at once, at most. */
const recordsMax = 1_000

/** @throws {FatalError} `OFFSET_OUT_OF_RANGE` for a start that a partition does not hold. */
export function createLogReader(topic: TopicLog, options: ReadOptions): Reader {
  const startOffsets = starts(topic, options.from)
  let closed = false
  const signals: (() => void)[] = []

  async function follow(partition: number, log: PartitionLog, startOffset: number): Promise<void> {
    const cursor = new RecordCursor(log, startOffset)
    const signal = createSignal()
    signals.push(signal.notify)
    const quiet = log.onAppend(signal.notify)
    try {
      while (!closed) {
        if (log.closed) throw unknownTopic(topic.topic)
        if (cursor.offset < log.earliest) throw offsetOutOfRange(topic.topic, partition, cursor.offset, log.range)
        const records = collect(partition, cursor)
        if (records.length === 0) await signal.wait()
        else {
          await options.onRecords(partition, records)
          await nextTurn()
        }
      }
    } finally {
      quiet()
    }
  }

  const following = [...startOffsets].map(async ([partition, startOffset]) => {
    const log = topic.partitions[partition]
    if (log === undefined) return
    await nextTurn() // the caller has the reader before its first record
    await follow(partition, log, startOffset).catch((error: unknown) => {
      if (!closed) options.onError(error instanceof Error ? error : new Error(messageOf(error)))
    })
  })

  return {
    startOffsets,
    async close() {
      closed = true
      for (const wake of signals) wake()
      await Promise.all(following)
    },
  }
}

function collect(partition: number, cursor: RecordCursor): StoredRecord[] {
  const records: StoredRecord[] = []
  for (; records.length < recordsMax && cursor.peek(); cursor.next()) records.push(stored(partition, cursor))
  return records
}

function stored(partition: number, cursor: RecordCursor): StoredRecord {
  const { buffer, keyFrom, keyLength, valueFrom, valueLength, headersFrom, headersTo } = cursor
  return {
    partition,
    offset: cursor.offset,
    appendTime: cursor.appendTime,
    key: keyLength < 0 ? null : Buffer.from(buffer.subarray(keyFrom, keyFrom + keyLength)),
    value: valueLength < 0 ? null : Buffer.from(buffer.subarray(valueFrom, valueFrom + valueLength)),
    headers: readHeaders(buffer, headersFrom, headersTo),
  }
}

function starts(topic: TopicLog, from: ReadFrom): Map<number, number> {
  if (from instanceof Map) return checked(topic, from)
  return new Map(topic.partitions.map((log, partition) => [partition, startOf(log, from)]))
}

function checked(topic: TopicLog, from: ReadonlyMap<number, number>): Map<number, number> {
  for (const [partition, offset] of from) {
    const log = topic.partitions[partition]
    if (log === undefined) throw unknownPartition(topic.topic, partition, topic.partitions.length)
    if (offset < log.earliest || offset > log.latest) throw offsetOutOfRange(topic.topic, partition, offset, log.range)
  }
  return new Map(from)
}

function startOf(log: PartitionLog, from: ReadFrom): number {
  if (from === 'earliest') return log.earliest
  if (from === 'latest') return log.latest
  if (!('timestampMs' in from)) throw new FatalError({ code: 'INVALID_START', message: 'not a place to read from' })
  const cursor = new RecordCursor(log, log.offsetBefore(from.timestampMs))
  while (cursor.peek() && cursor.appendTime < from.timestampMs) cursor.next()
  return cursor.offset
}
