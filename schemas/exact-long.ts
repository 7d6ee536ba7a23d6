import avro from 'avsc'

/** The largest magnitude of a long that Redwick reads or writes. */
export const longMax = Number.MAX_SAFE_INTEGER

export const varintBytesMax = 10
const low27 = 0x800_0000

/**
 * The zigzag varint that fills `bytes`, exact within ±(2^53 - 1).
 *
 * @returns NaN for one that is outside, or longer than 10 bytes.
 */
export function longOf(bytes: Uint8Array): number {
  let low = 0
  let high = 0
  let scale = 1
  if (bytes.length > varintBytesMax) return Number.NaN
  for (let i = 0; i < bytes.length; i++) {
    const part = (bytes[i] as number) & 127
    if (i < 4) low |= part << (7 * i)
    else {
      high += part * scale
      scale *= 128
    }
  }
  return unzigzag(low, high)
}

/**
 * The number of a zigzag varint's bits.
 *
 * @param low  The lowest 28.
 * @param high Those above.
 * @returns NaN for one beyond ±(2^53 - 1).
 */
export function unzigzag(low: number, high: number): number {
  const magnitude = high * low27 + (low >>> 1)
  const value = (low & 1) === 1 ? -magnitude - 1 : magnitude
  return Number.isSafeInteger(value) ? value : Number.NaN
}

/** avsc's own long loses the last bit of negatives beyond 2^52: this one is exact, and throws outside ±(2^53 - 1). */
export const exactLong = avro.types.LongType.__with(
  {
    fromBuffer(bytes: Uint8Array) {
      const value = longOf(bytes)
      if (Number.isNaN(value)) throw new RangeError(`a long is within ±${longMax}`)
      return value
    },
    // For the defaults of fields only: values go through AvroWriter.
    toBuffer(value: number) {
      const bytes: number[] = []
      let rest = BigInt.asUintN(64, value < 0 ? BigInt(value) * -2n - 1n : BigInt(value) * 2n)
      for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128)
      return Buffer.from([...bytes, Number(rest)])
    },
    fromJSON: Number,
    toJSON: Number,
    isValid: Number.isSafeInteger,
    compare: (a: number, b: number) => Math.sign(a - b),
  },
  true,
)
