/** Exact arithmetic on float64 values, for oracles: numbers as integers over 2^scaleBits. */
export const scaleBits = 300n

const buffer = new DataView(new ArrayBuffer(8))

/** The exact value of a finite float64, times 2^scaleBits. */
export function exact(value: number): bigint {
  buffer.setFloat64(0, value)
  const bits = buffer.getBigUint64(0)
  const exponent = Number((bits >> 52n) & 0x7ffn)
  const fraction = bits & 0xfffffffffffffn
  const mantissa = exponent === 0 ? fraction : fraction | 0x10000000000000n
  const shift = scaleBits + BigInt(Math.max(exponent, 1) - 1075)
  if (shift < 0n) throw new RangeError(`too small for the oracle: ${value}`)
  return (bits >> 63n === 1n ? -mantissa : mantissa) << shift
}

/** The exact product of two scaled values, scaled once. */
export function times(a: bigint, b: bigint): bigint {
  return (a * b) >> scaleBits
}

/** `numerator / denominator` rounded to the nearest float64, ties to even. */
export function roundedRatio(numerator: bigint, denominator: bigint): number {
  if (numerator === 0n) return 0
  const isNegative = numerator < 0n !== denominator < 0n
  const n = numerator < 0n ? -numerator : numerator
  const d = denominator < 0n ? -denominator : denominator
  const exponent = n.toString(2).length - d.toString(2).length
  // 55 bits or more of quotient, the last made sticky.
  const shift = BigInt(56 - exponent)
  const quotient = shift >= 0n ? (n << shift) / d : n / (d << -shift)
  const remainder = shift >= 0n ? (n << shift) % d : n % (d << -shift)
  const sticky = remainder === 0n ? quotient : quotient | 1n
  const extra = BigInt(sticky.toString(2).length - 53)
  const half = 1n << (extra - 1n)
  const low = sticky & ((1n << extra) - 1n)
  let mantissa = sticky >> extra
  if (low > half || (low === half && mantissa & 1n)) mantissa += 1n
  const value = Number(mantissa) * 2 ** Number(extra - shift)
  return isNegative ? -value : value
}

/** A scaled value rounded to the nearest float64. */
export function rounded(value: bigint): number {
  return roundedRatio(value, 1n << scaleBits)
}
