import type { Request } from './requests.ts'

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

/**
 * The last version before its lengths are varints: Kafka 2.1 to 4 and Redpanda speak it. An error of one partition is only
 * told: the others have their records.
 *
 * @see https://kafka.apache.org/protocol.html#The_Messages_Produce
 */
export const produce: Request<
  [transactionalId: string | null, timeoutMs: number, batches: readonly OutgoingBatch[]],
  readonly ProducedPartition[]
> = {
  ...{ key: 0, version: 7, isFlexible: false },
  write(writer, transactionalId, timeoutMs, batches) {
    writer
      .string(transactionalId)
      .int16(acks)
      .int32(timeoutMs)
      .array(byTopic(batches), ([topic, ofTopic]) =>
        writer.string(topic).array(ofTopic, ({ partition, bytes }) => writer.int32(partition).bytes(bytes)),
      )
  },
  read(reader) {
    const topics = reader.array(() => {
      const topic = reader.string() ?? ''
      return reader.array((): ProducedPartition => {
        const partition = reader.int32()
        const errorCode = reader.int16()
        const baseOffset = Number(reader.int64())
        reader.skip(2 * 8) // append time, start of the log
        return { topic, partition, errorCode, baseOffset }
      })
    })
    return topics.flat()
  },
}
