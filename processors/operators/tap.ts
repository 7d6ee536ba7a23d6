import type { Flag, StreamRecord } from '../core/stream-record.ts'
import { type RecordStep, recordStep } from './record-step.ts'

/**
 * Shows each record to a function and lets it by.
 *
 * A function that throws refuses its record. After a crash records are shown again.
 *
 * ```
 * given   -a-----b-----w--     a: 12 3    b: 7 5
 * tap(v => seen.push(v))       seen: 3, 5
 * gives   -a-----b-----w--
 * ```
 */
export function tap<T, F extends Flag = 'event'>(
  fn: (value: T, record: StreamRecord<T, F>) => void,
): RecordStep<T, F, T, F> {
  return recordStep({ operator: 'tap', options: {} }, () => ({
    record(record, emit) {
      fn(record.value, record)
      emit(record)
    },
  }))
}
