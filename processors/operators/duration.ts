import { FatalError } from '../../schemas/errors.ts'

const unitMs = new Map([
  ['ms', 1],
  ['s', 1000],
  ['m', 60_000],
  ['h', 3_600_000],
  ['d', 86_400_000],
])

/** A length of time: whole ms, or text such as `500ms`, `5s`, `2m`, `4h`, `1d`. */
export type Duration = number | string

/**
 * @returns Whole ms, >= 0.
 * @throws {FatalError} `BAD_DURATION`, naming what was given and the accepted form.
 */
export function durationMs(value: Duration): number {
  const match = typeof value === 'string' ? /^(\d{1,9})(ms|s|m|h|d)$/.exec(value) : undefined
  const ms = typeof value === 'number' ? value : Number(match?.[1]) * (unitMs.get(match?.[2] ?? '') ?? Number.NaN)
  if (Number.isSafeInteger(ms) && ms >= 0) return ms
  throw new FatalError({
    code: 'BAD_DURATION',
    message: `not a length of time: ${String(value)}`,
    hint: 'give whole ms, or a number with ms, s, m, h or d, e.g. 500ms',
    exitCode: 78,
  })
}

/** The shortest text for whole ms: `1m` for 60,000. */
export function durationName(ms: number): string {
  let name = `${ms}ms`
  for (const [unit, size] of unitMs) if (ms !== 0 && ms % size === 0) name = `${ms / size}${unit}`
  return name
}
