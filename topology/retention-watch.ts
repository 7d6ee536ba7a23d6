import type { Broker } from '../ports/broker.ts'
import type { Clock } from '../ports/clock.ts'
import type { Log } from '../ports/logger.ts'
import { messageOf } from '../schemas/errors.ts'
import type { EngineMetrics } from './engine-metrics.ts'
import type { Ownership } from './ownership.ts'
import type { PreparedCommit } from './stage.ts'

/** Least time between two looks at what the log still holds. */
export const retentionLookMs = 60_000

export interface RetentionWatchOptions<Batch, Prepared extends PreparedCommit> {
  readonly topic: string
  readonly broker: Pick<Broker, 'admin'>
  readonly clock: Clock
  readonly log: Log
  readonly metrics: EngineMetrics
  readonly ownership: Pick<Ownership<Batch, Prepared>, 'runners'>
}

/**
 * Tells when records are held that the log will not keep for long: a log that has begun to delete, and held records in the
 * older half of what it still has. Once for each partition, until that is over.
 */
export function createRetentionWatch<Batch, Prepared extends PreparedCommit>(
  options: RetentionWatchOptions<Batch, Prepared>,
): () => Promise<void> {
  const { topic, broker, clock, log, metrics, ownership } = options
  const told = new Set<number>()
  let lookedAt = Number.NEGATIVE_INFINITY

  const look = async (held: ReadonlyMap<number, number>): Promise<void> => {
    const ranges = await broker.admin.offsets(topic)
    for (const [partition, from] of held) {
      const { earliest, latest } = ranges.get(partition) ?? { earliest: 0, latest: 0 }
      if (earliest === 0 || from >= (earliest + latest) / 2) {
        told.delete(partition)
        continue
      }
      if (told.has(partition)) continue
      told.add(partition)
      metrics.alarm('held_near_retention')
      log('error', 'held records will leave the log soon', {
        ...{ topic, partition, heldFrom: from, earliest, latest },
        hint: 'release the held keys, or raise the retention of the topic: npm run quarantine -- list',
      })
    }
  }

  return async () => {
    const held = new Map(
      [...ownership.runners].flatMap(([partition, { heldFrom }]) =>
        heldFrom === undefined ? [] : [[partition, heldFrom] as const],
      ),
    )
    for (const partition of told) if (!held.has(partition)) told.delete(partition)
    if (held.size === 0 || clock.monotonic() - lookedAt < retentionLookMs) return
    lookedAt = clock.monotonic()
    await look(held).catch((error: unknown) => log('debug', 'offsets could not be read', { why: messageOf(error) }))
  }
}
