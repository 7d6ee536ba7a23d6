/** First byte of a value in Confluent's framing. */
export const framingMagic = 0

/** Bytes before the Avro body: the magic byte, then the schema's id as an unsigned 32-bit big-endian number. */
export const framingBytes = 5

/** Larger values are refused unread. */
export const valueBytesMax = 1_048_576

/** Highest id that fits the framing. */
export const schemaIdMax = 0xffff_ffff

/** Puts Confluent's framing before an Avro body: a new buffer. */
export function framed(schemaId: number, body: Uint8Array): Buffer {
  const value = Buffer.allocUnsafe(framingBytes + body.length)
  value[0] = framingMagic
  value.writeUInt32BE(schemaId, 1)
  value.set(body, framingBytes)
  return value
}

/** Whether `[from, to)` begins with Confluent's framing; the body may be empty. */
export function isFramed(bytes: Uint8Array, from: number, to: number): boolean {
  return to - from >= framingBytes && bytes[from] === framingMagic
}

/** Schema id of a framed value that starts at `from`. */
export function schemaIdAt(bytes: Uint8Array, from: number): number {
  const high = ((bytes[from + 1] as number) << 16) | ((bytes[from + 2] as number) << 8) | (bytes[from + 3] as number)
  return high * 256 + (bytes[from + 4] as number)
}
