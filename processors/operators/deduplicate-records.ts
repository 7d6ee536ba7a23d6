import { createSeenIds, type EventId } from '../core/seen-ids.ts'
import type { Flag } from '../core/stream-record.ts'
import { type Duration, durationMs } from './duration.ts'
import { type RecordStep, recordStep } from './record-step.ts'

/**
 * Drops records of a key whose id was seen within a horizon of event time: the first one goes on.
 *
 * An id is forgotten when the watermark has passed the event time of the record that brought it by `within`. A record
 * that is itself behind that goes on, for nobody can tell. Of `seenIdsMax` + 1 ids of one key the first that came is
 * forgotten, with the alarm `seen_ids_evicted`. A duplicate is refused as `duplicate`; what `by` throws refuses the
 * record as `rejected`.
 *
 * ```
 * given   -a--b--a--w--a--     a: id 1 at 10    b: id 2 at 11    w: watermark 20    the last a: id 1 at 21
 * deduplicate('once', { by: ({ id }) => id, within: 10 })
 * gives   -a--b-----w--a--
 * ```
 *
 * @param id Stable name of its state: the ids.
 * @throws {FatalError} `BAD_DURATION`.
 */
export function deduplicateRecords<T, F extends Flag = 'event'>(
  id: string,
  options: { readonly within: Duration; by(value: T): EventId },
): RecordStep<T, F, T, F> {
  const { within, by } = options
  const withinMs = durationMs(within)
  const description = { operator: 'deduplicate', id, options: { by: 'function', within: String(within), withinMs } }
  return recordStep(description, ({ effects, restored }) => {
    const seen = createSeenIds({ withinMs, onEvicted: () => effects.alarm('seen_ids_evicted') })
    for (const reader of restored(id)) seen.read(reader)
    return {
      record(record, emit) {
        const { key, eventTime, offset } = record
        const eventId = by(record.value)
        if (seen.add(key, eventId, eventTime)) emit(record)
        else effects.refuse({ offset, key, stepId: id, result: 'duplicate', detail: `id ${eventId} was seen` })
      },
      watermark: (to) => seen.advance(to),
      barrier: (barrier) => seen.write(barrier.state(id), barrier.full),
    }
  })
}
