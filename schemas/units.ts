import { invariant } from './errors.ts'

declare const unit: unique symbol
type Unit<Base, Name extends string> = Base & { readonly [unit]: Name }

/** Length of a candle in whole seconds. */
export type IntervalSeconds = Unit<number, 'IntervalSeconds'>

/** @throws {InvariantViolation} When `value` is not a positive integer. */
export function intervalSeconds(value: number): IntervalSeconds {
  invariant(Number.isInteger(value) && value > 0, () => `IntervalSeconds is an integer > 0, was ${value}`)
  return value as IntervalSeconds
}
