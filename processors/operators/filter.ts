import type { Flag, StreamRecord } from '../core/stream-record.ts'
import { type RecordStep, recordStep } from './record-step.ts'

/**
 * Lets by the records for which a predicate holds; with a type guard, they are of its type from then on.
 *
 * A predicate that throws refuses its record. On windows it asks for the key or the window, never for the value: where a
 * final passed and its correction does not, the old word would stand.
 *
 * ```
 * given   -a-----b-----w--     a: 12 3    b: 7 5
 * filter(v => v > 4)
 * gives   -------b-----w--
 * ```
 */
export function filter<T, S extends T, F extends Flag = 'event'>(
  predicate: (value: T, record: StreamRecord<T, F>) => value is S,
): RecordStep<T, F, S, F>
export function filter<T, F extends Flag = 'event'>(
  predicate: (value: T, record: StreamRecord<T, F>) => boolean,
): RecordStep<T, F, T, F>
export function filter<T, F extends Flag = 'event'>(
  predicate: (value: T, record: StreamRecord<T, F>) => boolean,
): RecordStep<T, F, T, F> {
  return recordStep({ operator: 'filter', options: {} }, () => ({
    record(record, emit) {
      if (predicate(record.value, record)) emit(record)
    },
  }))
}
