import type { WindowFlag } from '../core/stream-record.ts'
import { type RecordStep, recordStep } from './record-step.ts'

/**
 * Makes an event of each final, for steps that take events. Updates, corrections and retractions are dropped: what follows
 * counts each window once, as it was when it closed.
 *
 * ```
 * given   -u-----f-----c--w--     u: update [0,10) 2   f: final [0,10) 3   c: correction [0,10) 4
 * finals()
 * gives   -------e--------w--     e: event at 9, [0,10) 3
 * ```
 */
export function finals<T>(): RecordStep<T, WindowFlag, T, 'event'> {
  return recordStep({ operator: 'finals', options: {} }, () => ({
    record(record, emit) {
      if (record.flag === 'final') emit({ ...record, flag: 'event' })
    },
  }))
}
