/**
 * Adds with one running error term: exact to about 100 bits, whatever the order of the terms.
 *
 * @see Dekker, "A floating-point technique for extending the available precision", 1971; Knuth's two-sum.
 */
export function twoSumError(a: number, b: number, sum: number): number {
  const part = sum - a
  return a - (sum - part) + (b - part)
}

/** A sum kept in two words: its value is `high + low`, and `high` is that rounded to float64. */
export type DoubleDouble = readonly [high: number, low: number]

export function addDoubleDouble([high, low]: DoubleDouble, value: number, valueLow: number): DoubleDouble {
  const sum = high + value
  const error = twoSumError(high, value, sum) + low + valueLow
  const rounded = sum + error
  return [rounded, twoSumError(sum, error, rounded)]
}

const splitter = 134_217_729 // 2^27 + 1

/** The rounding error of `product = a * b`, exact where nothing overflows. */
export function twoProductError(a: number, b: number, product: number): number {
  const ca = splitter * a
  const ah = ca - (ca - a)
  const al = a - ah
  const cb = splitter * b
  const bh = cb - (cb - b)
  const bl = b - bh
  return al * bl - (product - ah * bh - al * bh - ah * bl)
}

/** `(ah + al) / (bh + bl)` rounded to float64; NaN where the divisor is 0. */
export function divideDoubleDouble(ah: number, al: number, bh: number, bl: number): number {
  if (bh === 0) return Number.NaN
  const q1 = ah / bh
  const p = q1 * bh
  const pe = twoProductError(q1, bh, p)
  const remainder = ah - p - pe + al - q1 * bl
  return q1 + remainder / bh
}
