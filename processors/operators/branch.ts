import type { Flag, StreamRecord } from '../core/stream-record.ts'
import { type FlowOperator, fanOut } from './fan-out.ts'
import type { RecordStep } from './record-step.ts'

/** Which records a branch takes, and what they go through. */
export type BranchCase<T, F extends Flag, U, G extends Flag> = readonly [
  when: (value: T, record: StreamRecord<T, F>) => boolean,
  through: FlowOperator<T, F, U, G>,
]

/**
 * Sends each record through the operator of the first case whose predicate holds, and merges what they give; a record of
 * no case is dropped.
 *
 * A predicate that throws refuses its record. What is no record passes each operator and comes out once, after all that
 * they gave for it.
 *
 * ```
 * given   -a-----b-----c-----w--     a: 12 1    b: 7 2    c: 8 0
 * branch([isOdd, map(v => v * 10)], [isPositive, map(v => -v)])
 * gives   -A-----B-----------w--     A: 12 10   B: 7 -2
 * ```
 */
export function branch<T, U, F extends Flag = 'event', G extends Flag = 'event'>(
  ...cases: readonly BranchCase<T, F, U, G>[]
): RecordStep<T, F, U, G> {
  const none: readonly number[] = []
  const one = cases.map((_, i) => [i])
  return fanOut(
    { operator: 'branch', options: { cases: cases.length } },
    cases.map(([, through]) => through),
    (record) => one[cases.findIndex(([when]) => when(record.value, record))] ?? none,
  )
}
