import { invariant } from './errors.ts'

declare const unit: unique symbol
type Unit<Base, Name extends string> = Base & { readonly [unit]: Name }

/** Milliseconds since 1970-01-01 UTC, a safe integer; negative before 1970. */
export type EpochMs = Unit<number, 'EpochMs'>

/** Number of a partition of a topic, from 0. */
export type Partition = Unit<number, 'Partition'>

/** Position of a record in a partition, from 0. */
export type Offset = Unit<number, 'Offset'>

/** Ownership term of a partition; grows with every takeover. */
export type Epoch = Unit<number, 'Epoch'>

/** Length of a candle in whole seconds. */
export type IntervalSeconds = Unit<number, 'IntervalSeconds'>

/** @throws {InvariantViolation} When `value` is not a safe integer. */
export function epochMs(value: number): EpochMs {
  invariant(Number.isSafeInteger(value), `EpochMs is a safe integer, was ${value}`)
  return value as EpochMs
}

/** @throws {InvariantViolation} When `value` is not an integer from 0. */
export function partition(value: number): Partition {
  invariant(Number.isInteger(value) && value >= 0, `Partition is an integer >= 0, was ${value}`)
  return value as Partition
}

/** @throws {InvariantViolation} When `value` is not a safe integer from 0. */
export function offset(value: number): Offset {
  invariant(Number.isSafeInteger(value) && value >= 0, `Offset is a safe integer >= 0, was ${value}`)
  return value as Offset
}

/** @throws {InvariantViolation} When `value` is not a safe integer from 0. */
export function epoch(value: number): Epoch {
  invariant(Number.isSafeInteger(value) && value >= 0, `Epoch is a safe integer >= 0, was ${value}`)
  return value as Epoch
}

/** @throws {InvariantViolation} When `value` is not a positive integer. */
export function intervalSeconds(value: number): IntervalSeconds {
  invariant(Number.isInteger(value) && value > 0, `IntervalSeconds is an integer > 0, was ${value}`)
  return value as IntervalSeconds
}
