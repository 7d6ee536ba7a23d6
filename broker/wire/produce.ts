import { createAPI, type Reader, Writer } from '@platformatic/kafka'

/** The last version of Produce before its lengths are varints: Kafka 2.1 to 4 and Redpanda speak it. */
export const produceVersion = 7
export const produceApiKey = 0
/** All in-sync replicas. */
const acks = -1

/** A whole record batch and where it goes. */
export interface OutgoingBatch {
  readonly topic: string
  readonly partition: number
  readonly bytes: Buffer
}

export interface ProducedPartition {
  readonly topic: string
  readonly partition: number
  /** The partition's own: 0 where the batch is in the log. */
  readonly errorCode: number
  readonly baseOffset: number
}

/** In the order in which the topics come. */
export function byTopic<Item extends { readonly topic: string }>(items: readonly Item[]): [string, Item[]][] {
  const groups = new Map<string, Item[]>()
  for (const item of items) {
    const group = groups.get(item.topic)
    if (group === undefined) groups.set(item.topic, [item])
    else group.push(item)
  }
  return [...groups]
}

/** @see https://kafka.apache.org/protocol.html#The_Messages_Produce */
function createRequest(transactionalId: string | null, timeoutMs: number, batches: readonly OutgoingBatch[]): Writer {
  return Writer.create()
    .appendString(transactionalId, false)
    .appendInt16(acks)
    .appendInt32(timeoutMs)
    .appendArray(
      byTopic(batches),
      (w, [topic, ofTopic]) => {
        w.appendString(topic, false).appendArray(
          ofTopic,
          (p, { partition, bytes }) => p.appendInt32(partition).appendBytes(bytes, false),
          false,
          false,
        )
      },
      false,
      false,
    )
}

/** An error of one partition is only told: the others have their records. */
export function parseProduceResponse(
  _id: number,
  _apiKey: number,
  _version: number,
  reader: Reader,
): readonly ProducedPartition[] {
  const topics = reader.readArray(
    (r) => {
      const topic = r.readString(false)
      const partitionOf = (p: Reader): ProducedPartition => {
        const partition = p.readInt32()
        const errorCode = p.readInt16()
        const baseOffset = Number(p.readInt64())
        p.skip(2 * 8) // append time, start of the log
        return { topic, partition, errorCode, baseOffset }
      }
      return r.readArray(partitionOf, false, false)
    },
    false,
    false,
  )
  return topics.flat()
}

export const produceApi = createAPI<
  [transactionalId: string | null, timeoutMs: number, batches: readonly OutgoingBatch[]],
  readonly ProducedPartition[]
>(produceApiKey, produceVersion, createRequest, parseProduceResponse, false, false)
