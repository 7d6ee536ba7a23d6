import { FatalError } from '../../schemas/errors.ts'
import type { BadBatchError } from '../wire/fetched-cursor.ts'
import type { FetchedStretch } from './partition-fetch.ts'

/**
 * Fetches a partition again where its bytes came damaged: they may be whole where they are stored.
 *
 * @returns Call it when all before the batch is taken over. @throws {FatalError} `LOG_CORRUPT`, where the same batch came damaged before.
 */
export function createRefetch(topic: string): (stretch: FetchedStretch, error: BadBatchError) => void {
  /** By partition, the batch that came damaged last. */
  const damaged = new Map<number, number>()
  return ({ partition, refetch }, error) => {
    if (damaged.get(partition) === error.offset)
      throw new FatalError({
        code: 'LOG_CORRUPT',
        message: `${topic}/${partition} cannot be read: ${error.message}`,
        why: 'it came damaged twice',
        hint: 'look at the disks of the brokers, or restore the topic',
        cause: error,
      })
    damaged.set(partition, error.offset)
    refetch()
  }
}
