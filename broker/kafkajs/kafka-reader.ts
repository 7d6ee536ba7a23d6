import { randomUUID } from 'node:crypto'
import type { KafkaMessage } from 'kafkajs'
import type { Reader, ReadFrom, ReadOptions, StoredRecord } from '../../ports/broker.ts'
import type { Clock } from '../../ports/clock.ts'
import { offsetOutOfRange, unknownPartition } from '../broker-errors.ts'
import type { KafkaAdminPort } from './kafka-admin.ts'
import type { KafkaClient } from './kafka-client.ts'
import { startPositionedConsumer } from './positioned-consumer.ts'

/** A reader is alone in its group: nobody else has to give anything up. */
const rebalanceTimeoutMs = 3_000

interface KafkaReaderOptions {
  readonly kafka: KafkaClient
  readonly brokers: readonly string[]
  readonly admin: KafkaAdminPort
  readonly clock: Clock
}

/** Reads every partition under a group of its own that goes away with it: the client cannot read without one. */
export async function createKafkaReader(context: KafkaReaderOptions, options: ReadOptions): Promise<Reader> {
  const { admin } = context
  const { topic } = options
  const startOffsets = await startOffsetsOf(admin, topic, options.from)
  const positions = new Map(startOffsets)
  const groupId = `redwick-reader-${randomUUID()}`
  const consumer = await startPositionedConsumer({
    ...context,
    ...{ topic, groupId, rebalanceTimeoutMs },
    assigned: async () => positions,
    revoked: async () => undefined,
    async batch({ partition, messages, endOffset, live, advance }) {
      if (!live()) return
      advance(endOffset)
      positions.set(partition, endOffset)
      await options.onRecords(
        partition,
        messages.map((message) => stored(partition, message)),
      )
    },
    failed: options.onError,
  })
  return {
    startOffsets,
    async close() {
      await consumer.close()
      await admin.deleteGroup(groupId).catch(() => undefined) // it has no members and no offsets, and expires by itself
    },
  }
}

function stored(partition: number, { offset, timestamp, key, value, headers }: KafkaMessage): StoredRecord {
  const texts = Object.entries(headers ?? {}).map(([name, text]): [string, string] => [name, String(text)])
  return {
    ...{ partition, offset: Number(offset), appendTime: Number(timestamp), key, value },
    headers: Object.fromEntries(texts),
  }
}

/** Where reading starts, for each partition that is read. */
export async function startOffsetsOf(
  admin: KafkaAdminPort,
  topic: string,
  from: ReadFrom,
): Promise<ReadonlyMap<number, number>> {
  const ranges = await admin.offsets(topic)
  if (from === 'earliest') return new Map([...ranges].map(([partition, { earliest }]) => [partition, earliest]))
  if (from === 'latest') return new Map([...ranges].map(([partition, { latest }]) => [partition, latest]))
  if ('timestampMs' in from) return admin.offsetsAt(topic, from.timestampMs)
  for (const [partition, offset] of from) {
    const range = ranges.get(partition)
    if (range === undefined) throw unknownPartition(topic, partition, ranges.size)
    if (offset < range.earliest || offset > range.latest) throw offsetOutOfRange(topic, partition, offset, range)
  }
  return new Map(from)
}
