import type { ColumnBatch } from '../../schemas/columns.ts'
import { createDeduplicator } from '../core/deduplicator.ts'
import type { EventId } from '../core/seen-ids.ts'
import type { Flag, StreamRecord } from '../core/stream-record.ts'
import { deduplicateRecords } from './deduplicate-records.ts'
import { type Duration, durationMs } from './duration.ts'
import type { RecordStep } from './record-step.ts'
import { type Step, step } from './step.ts'

export interface DeduplicateOptions {
  /** Ids are remembered for this long in event time; at least window + lateness + out-of-orderness. */
  readonly within: Duration
  readonly by?: undefined
}

export interface DeduplicateRecordsOptions<T> {
  /** Ids are remembered until the watermark has passed their event time by this. */
  readonly within: Duration
  /** What two records of a key have in common when one of them is a duplicate. */
  by(value: T): EventId
}

/**
 * Drops ticks whose trade id was seen before, per symbol; or, with `by`, records of a key whose id was: see
 * `deduplicateRecords`.
 *
 * ```
 * given   -[a b a]--[b c]---     ticks of one symbol by trade id
 * deduplicate('by-trade', { within: '10m' })
 * gives   -[a b x]--[x c]---     x: the row stays, its verdict is duplicate
 * ```
 *
 * @param id Stable name of its state.
 * @throws {FatalError} `BAD_DURATION`.
 */
export function deduplicate(id: string, options: DeduplicateOptions): Step<ColumnBatch, ColumnBatch>
export function deduplicate<T, F extends Flag = 'event'>(
  id: string,
  options: DeduplicateRecordsOptions<T>,
): RecordStep<T, F, T, F>
export function deduplicate<T, F extends Flag>(
  id: string,
  options: DeduplicateOptions | DeduplicateRecordsOptions<T>,
): Step<ColumnBatch, ColumnBatch> | Step<StreamRecord<T, F>, StreamRecord<T, F>> {
  return options.by === undefined ? deduplicateTicks(id, options) : deduplicateRecords(id, options)
}

function deduplicateTicks(id: string, { within }: DeduplicateOptions): Step<ColumnBatch, ColumnBatch> {
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
