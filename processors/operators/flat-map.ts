import type { Flag, StreamRecord } from '../core/stream-record.ts'
import { type RecordStep, recordStep } from './record-step.ts'

/** A record becomes at most this many; one that would become more is refused. */
export const flatMapMax = 100_000

/**
 * Replaces each record by one for each value that a function gives, in its order; key, times and flag stay.
 *
 * A function (or its iterator) that throws, or gives more than `flatMapMax` values, refuses its record: none of them goes on.
 *
 * ```
 * given   -a-------b-----w--     a: 12 'x y'   b: 7 ''
 * flatMap(v => v.split(' ').filter(Boolean))
 * gives   -(xy)----------w--     x: 12 'x'     y: 12 'y'
 * ```
 */
export function flatMap<T, U, F extends Flag = 'event'>(
  fn: (value: T, record: StreamRecord<T, F>) => Iterable<U>,
): RecordStep<T, F, U, F> {
  return recordStep({ operator: 'flatMap', options: {} }, () => ({
    record(record, emit) {
      let count = 0
      for (const value of fn(record.value, record)) {
        count += 1
        if (count > flatMapMax) throw new RangeError(`a record becomes at most ${flatMapMax} records`)
        emit({ ...record, value })
      }
    },
  }))
}
