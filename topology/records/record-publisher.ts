import { createRecordEncoder } from '../../schemas/avro-codec.ts'
import type { RecordOf } from '../../schemas/avro-type.ts'
import { partitionOfKey } from '../../schemas/partitioner.ts'
import { ensureTopic, type RecordPlatform } from './open-topology.ts'

/** Writes records of one schema to one topic. */
export interface RecordPublisher<T> {
  /** Resolves when all are acknowledged; each goes to the partition of its key, in order. */
  send(records: readonly T[]): Promise<void>
  close(): Promise<void>
}

/**
 * Opens a topic for writing; it is made, with `partitions`, where it is missing.
 *
 * @param key What of a record is its key.
 */
export async function createRecordPublisher<const Schema extends object>(
  { broker, registry, prefix }: Pick<RecordPlatform, 'broker' | 'registry' | 'prefix'>,
  options: {
    readonly topic: string
    readonly partitions: number
    readonly schema: Schema
    key(record: RecordOf<Schema>): string
  },
): Promise<RecordPublisher<RecordOf<Schema>>> {
  const topic = `${prefix}${options.topic}`
  const partitions = await ensureTopic(broker, topic, options.partitions)
  const encode = createRecordEncoder(options.schema, await registry.register(`${topic}-value`, options.schema))
  const producer = await broker.createProducer()
  return {
    async send(records) {
      const outgoing = records.map((record) => {
        const key = options.key(record)
        return { partition: partitionOfKey(key, partitions), key, value: encode(record) }
      })
      await producer.send(topic, outgoing)
    },
    close: () => producer.close(),
  }
}
