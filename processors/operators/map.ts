import type { Flag, StreamRecord } from '../core/stream-record.ts'
import { type RecordStep, recordStep } from './record-step.ts'

/**
 * Replaces each record's value by what a function makes of it; key, times and flag stay.
 *
 * A function that throws refuses its record.
 *
 * ```
 * given   -a-----b-----w--     a: 12 3    b: 7 5
 * map(v => v * 10)
 * gives   -A-----B-----w--     A: 12 30   B: 7 50
 * ```
 */
export function map<T, U, F extends Flag = 'event'>(
  fn: (value: T, record: StreamRecord<T, F>) => U,
): RecordStep<T, F, U, F> {
  return recordStep({ operator: 'map', options: {} }, () => ({
    record: (record, emit) => emit({ ...record, value: fn(record.value, record) }),
  }))
}
