import type { RecordOf } from '../../schemas/avro-type.ts'
import { createRecordPublisher } from '../records/record-publisher.ts'
import type { RecordFeed } from '../records/run.ts'

/** Records of one request. */
const batchRecords = 500

interface GeneratedFeedOptions<Schema extends object> {
  readonly topic: string
  readonly partitions: number
  readonly schema: Schema
  key(record: RecordOf<Schema>): string
  /** Records in the order in which they arrive; the last is at `toMs`. */
  generate(toMs: number): readonly RecordOf<Schema>[]
}

/** Writes generated records in their order, batch by batch; stops where the signal says so. */
export function generatedFeed<const Schema extends object>(options: GeneratedFeedOptions<Schema>): RecordFeed {
  const { topic, partitions, generate } = options
  return {
    topics: { [topic]: partitions },
    async run(platform, signal) {
      const publisher = await createRecordPublisher(platform, options)
      try {
        const records = generate(platform.clock.now())
        for (let at = 0; at < records.length && !signal.aborted; at += batchRecords)
          await publisher.send(records.slice(at, at + batchRecords))
      } finally {
        await publisher.close()
      }
    },
  }
}
