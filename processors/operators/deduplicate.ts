import type { ColumnBatch } from '../../schemas/columns.ts'
import { createDeduplicator } from '../core/deduplicator.ts'
import { type Duration, durationMs } from './duration.ts'
import { type Step, step } from './step.ts'

export interface DeduplicateOptions {
  /** Ids are remembered for this long in event time; at least window + lateness + out-of-orderness. */
  readonly within: Duration
}

/**
 * Drops ticks whose trade id was seen before, per symbol.
 *
 * @param id Stable name of its state.
 * @throws {FatalError} `BAD_DURATION`.
 */
export function deduplicate(id: string, { within }: DeduplicateOptions): Step<ColumnBatch, ColumnBatch> {
  const withinMs = durationMs(within)
  return step(
    { operator: 'deduplicate', id, options: { by: 'tradeId', within: String(within), withinMs } },
    (context) => {
      const deduplicator = createDeduplicator({ ...context, withinMs })
      for (const reader of context.restored(id)) deduplicator.read(reader)
      return {
        rows(batch, emit) {
          deduplicator.process(batch.columns)
          emit(batch)
        },
        barrier: (barrier) => deduplicator.write(barrier.state(id), barrier.full),
      }
    },
  )
}
