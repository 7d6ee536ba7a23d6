import type { Flag, StreamRecord } from '../core/stream-record.ts'
import { type RecordStep, recordStep } from './record-step.ts'

declare const carried: unique symbol

/** The name of a side output, and what it carries. */
export interface SideTag<T> {
  readonly name: string
  readonly [carried]?: T
}

/** Names a side output of values of `T`. */
export function sideTag<T>(name: string): SideTag<T> {
  return { name }
}

/**
 * Sends the records for which a predicate holds to the sinks of a side output; the others go on.
 *
 * A predicate that throws refuses its record.
 *
 * ```
 * given   -a-----b-----w--     a: 12 3    b: 7 5
 * sideOutput(large, v => v > 4)
 * gives   -a-----s-----w--     s: b, aside to 'large'
 * ```
 */
export function sideOutput<T, F extends Flag = 'event'>(
  tag: SideTag<T>,
  predicate: (value: T, record: StreamRecord<T, F>) => boolean,
): RecordStep<T, F, T, F> {
  return recordStep({ operator: 'sideOutput', options: { to: tag.name } }, () => ({
    record(record, emit, aside) {
      if (predicate(record.value, record)) aside(tag.name, record)
      else emit(record)
    },
  }))
}
