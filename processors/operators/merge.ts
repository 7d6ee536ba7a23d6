import type { Flag } from '../core/stream-record.ts'
import { type FlowOperator, fanOut } from './fan-out.ts'
import type { RecordStep } from './record-step.ts'

/**
 * Sends every record through each operator, and merges what they give, in their order.
 *
 * What is no record passes each operator and comes out once, after all that they gave for it.
 *
 * ```
 * given   -a-----------w------     a: 12 3
 * merge(map(v => v * 10), aggregate('sums', …))
 * gives   -A-----------(fw)---     A: 12 30   f: final [10,20) 3
 * ```
 */
export function merge<T, U, F extends Flag = 'event', G extends Flag = 'event'>(
  ...operators: readonly FlowOperator<T, F, U, G>[]
): RecordStep<T, F, U, G> {
  const all = operators.map((_, i) => i)
  return fanOut({ operator: 'merge', options: { operators: operators.length } }, operators, () => all)
}
