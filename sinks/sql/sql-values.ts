import { invariant } from '../../schemas/errors.ts'
import { storedTimeMsMin, timeMsMax } from '../../schemas/times.ts'

/** int8, float8 or numeric in whatever form the driver gives it. */
export function toNumber(value: unknown): number {
  if (typeof value === 'number') return value
  invariant(typeof value === 'string' || typeof value === 'bigint', () => `a number was selected, got ${typeof value}`)
  return Number(value)
}

export function toText(value: unknown): string {
  invariant(typeof value === 'string', () => `text was selected, got ${typeof value}`)
  return value
}

/** Bytes of their own: the driver's buffer is shared. */
export function toBytes(value: unknown): Uint8Array {
  invariant(value instanceof Uint8Array, () => `bytes were selected, got ${typeof value}`)
  return new Uint8Array(value)
}

export function toBoolean(value: unknown): boolean {
  invariant(typeof value === 'boolean', () => `a boolean was selected, got ${typeof value}`)
  return value
}

/** A PostgreSQL array as text, for `$1::text::text[]`: the one form both drivers pass on alike. */
export function arrayLiteral(values: readonly (string | number)[]): string {
  const quoted = values.map((value) =>
    typeof value === 'number' ? String(value) : `"${value.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`,
  )
  return `{${quoted.join(',')}}`
}

/** Epoch ms, infinities allowed, as the parameter of `timeSql`: what PostgreSQL cannot compare with is its first or last. */
export function timeParameter(epochMs: number): number {
  return Math.min(Math.max(Math.round(epochMs), storedTimeMsMin), timeMsMax)
}

/** Parameter `$n` (epoch ms) as timestamptz, exact. */
export const timeSql = (n: number): string => `(timestamptz 'epoch' + $${n}::float8 * interval '1 millisecond')`

/** A timestamptz expression as epoch ms, exact. */
export const epochMsSql = (expression: string): string => `(extract(epoch FROM ${expression}) * 1000)::bigint`
