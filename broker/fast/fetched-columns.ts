import { setImmediate } from 'node:timers/promises'
import type { SubscribeOptions } from '../../ports/broker.ts'
import { pushed, type SourceBatch } from '../../schemas/batch-decoder.ts'
import { fillColumns } from '../column-fill.ts'
import { BadBatchError, FetchedCursor } from '../wire/fetched-cursor.ts'
import { createScratch } from '../wire/scratch.ts'
import type { FetchedStretch } from './partition-fetch.ts'
import { createRefetch } from './refetch.ts'

type FeedOptions<Batch extends SourceBatch> = Pick<SubscribeOptions<Batch>, 'topic' | 'decoder' | 'handler'>

/**
 * Turns fetched batches into the decoder's: straight from the bytes, each at most what the decoder holds, one after the other.
 *
 * @param resolveSchema Tries to get the schema that the decoder wants, once.
 */
export function createFetchedColumns<Batch extends SourceBatch>(
  { topic, decoder, handler }: FeedOptions<Batch>,
  resolveSchema: (signal: AbortSignal) => Promise<void>,
): (stretch: FetchedStretch) => Promise<void> {
  const again = createRefetch(topic)
  const scratch = decoder.isCopying ? createScratch() : undefined

  return async (stretch) => {
    const { partition, bytes, aborted } = stretch
    const cursor = new FetchedCursor(
      { bytes, from: 0, to: bytes.length, aborted, ...(scratch && { scratch }) },
      stretch.offset,
    )
    let baseOffset = stretch.offset
    while (stretch.live()) {
      let isWanting = false
      let bad: BadBatchError | undefined
      try {
        isWanting = fillColumns(cursor, decoder) === pushed.needsSchema
      } catch (error) {
        if (!(error instanceof BadBatchError)) throw error
        bad = error
      }
      if (decoder.pending > 0 || cursor.offset > baseOffset) {
        const batch = decoder.take(partition, baseOffset, cursor.offset)
        baseOffset = cursor.offset
        stretch.advance(baseOffset)
        await handler.batch(batch)
        await setImmediate() // what was fetched may be much: timers and answers have their turn in between
      } else if (bad !== undefined) return again(stretch, bad)
      else if (isWanting) await resolveSchema(stretch.signal)
      else return
    }
  }
}
