/**
 * Places in a record batch of Kafka's message format 2, in bytes from its start.
 *
 * @see https://kafka.apache.org/documentation/#recordbatch
 */
export const batchField = {
  baseOffset: 0,
  /** Bytes that follow this field. */
  length: 8,
  leaderEpoch: 12,
  magic: 16,
  crc: 17,
  /** What the checksum covers starts here. */
  attributes: 21,
  lastOffsetDelta: 23,
  baseTimestamp: 27,
  maxTimestamp: 35,
  producerId: 43,
  producerEpoch: 51,
  baseSequence: 53,
  recordCount: 57,
  records: 61,
} as const

export const batchLengthBytes = 12
export const batchMagic = 2

export const attribute = {
  codec: 0b111,
  /** Append time of all records is `maxTimestamp`. */
  logAppendTime: 1 << 3,
  transactional: 1 << 4,
  control: 1 << 5,
} as const

/** Type in the key of a control record, after its version. */
export const abortMarker = 0

const twoTo32 = 4_294_967_296

/** A 64-bit integer as a double: exact within ±2^53. */
export function int64At(bytes: Buffer, at: number): number {
  return bytes.readInt32BE(at) * twoTo32 + bytes.readUInt32BE(at + 4)
}

/**
 * Where the whole batches among these bytes end.
 *
 * @returns Offset after the last whole batch, or `offset` where there is none, and that batch's leader epoch, or -1.
 */
export function endOfBatches(bytes: Buffer, offset: number): { readonly next: number; readonly leaderEpoch: number } {
  let [next, leaderEpoch, at] = [offset, -1, 0]
  while (at + batchField.records <= bytes.length) {
    const end = at + batchLengthBytes + bytes.readInt32BE(at + batchField.length)
    // What is shorter than its header is told by whoever reads it.
    if (end > bytes.length || end < at + batchField.records) break
    next = Math.max(next, int64At(bytes, at) + bytes.readInt32BE(at + batchField.lastOffsetDelta) + 1)
    leaderEpoch = bytes.readInt32BE(at + batchField.leaderEpoch)
    at = end
  }
  return { next, leaderEpoch }
}
