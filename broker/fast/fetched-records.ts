import type { ReadOptions, StoredRecord } from '../../ports/broker.ts'
import { BadBatchError, FetchedCursor } from '../wire/fetched-cursor.ts'
import { createScratch } from '../wire/scratch.ts'
import type { FetchedStretch } from './partition-fetch.ts'
import { createRefetch } from './refetch.ts'

/** Records of one call, at most. */
const recordsMax = 4_096

/** Turns fetched batches into records, for readers of topics that are not ticks. */
export function createFetchedRecords({
  topic,
  onRecords,
}: Pick<ReadOptions, 'topic' | 'onRecords'>): (stretch: FetchedStretch) => Promise<void> {
  const again = createRefetch(topic)
  const scratch = createScratch()
  return async (stretch) => {
    const { partition, bytes, aborted } = stretch
    const cursor = new FetchedCursor({ bytes, from: 0, to: bytes.length, aborted, scratch }, stretch.offset)
    for (let isMore = true; isMore && stretch.live(); ) {
      const records: StoredRecord[] = []
      let bad: BadBatchError | undefined
      try {
        for (isMore = cursor.peek(); isMore && records.length < recordsMax; isMore = cursor.peek()) {
          records.push(recordAt(cursor, partition))
          cursor.next()
        }
      } catch (error) {
        if (!(error instanceof BadBatchError)) throw error
        bad = error
        isMore = false
      }
      stretch.advance(cursor.offset)
      if (records.length > 0) await onRecords(partition, records)
      if (bad !== undefined && stretch.live()) again(stretch, bad)
    }
  }
}

/** Key and value are copies: the fetched bytes are much larger than what a reader keeps. */
function recordAt(cursor: FetchedCursor, partition: number): StoredRecord {
  const { buffer, offset, appendTime, keyFrom, keyLength, valueFrom, valueLength } = cursor
  const field = (from: number, length: number): Buffer | null =>
    length < 0 ? null : Buffer.from(buffer.subarray(from, from + length))
  return {
    ...{ partition, offset, appendTime },
    key: field(keyFrom, keyLength),
    value: field(valueFrom, valueLength),
    headers: cursor.hasHeaders ? Object.fromEntries(cursor.headers()) : {},
  }
}
