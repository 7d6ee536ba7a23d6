import { invariant } from '../schemas/errors.ts'

/** Writes PostgreSQL's binary COPY format into one growing buffer: no object per row or field. */
export interface CopyWriter {
  /** Begins anew, whatever was written before: a COPY that was given up leaves nothing in the next one. */
  start(): void
  /** Starts a row of `fields` fields; each must then be written, in order. */
  row(fields: number): void
  nulls(count: number): void
  int16(value: number): void
  int32(value: number): void
  /** A safe integer as int8. */
  int64(value: number): void
  float64(value: number): void
  bool(value: boolean): void
  /** Epoch ms as timestamptz. */
  time(epochMs: number): void
  /** As UTF-8; U+0000, which PostgreSQL cannot store, must not be in it. */
  text(value: string): void
  bytes(value: Uint8Array): void
  /** The whole COPY: valid until the next `start`. */
  finish(): Buffer
}

/** 2000-01-01, where PostgreSQL's timestamps begin. */
const postgresEpochMs = 946_684_800_000
const timeSpanMsMax = 8.64e15
const twoTo32 = 4_294_967_296
const signature = Buffer.from('PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0', 'latin1')

/**
 * @param capacityBytes  Size of the first buffer; it doubles as needed and is kept for the next commit.
 * @see PostgreSQL's manual, COPY, "Binary Format".
 */
export function createCopyWriter(capacityBytes = 65_536): CopyWriter {
  let buffer = Buffer.allocUnsafe(Math.max(capacityBytes, 64))
  let at = signature.copy(buffer)

  function reserve(bytes: number): void {
    if (at + bytes <= buffer.length) return
    const grown = Buffer.allocUnsafe(Math.max(buffer.length * 2, at + bytes))
    buffer.copy(grown, 0, 0, at)
    buffer = grown
  }
  function length(bytes: number): void {
    reserve(4 + bytes)
    at = buffer.writeInt32BE(bytes, at)
  }
  function int64(value: number): void {
    invariant(Number.isSafeInteger(value), `a stored integer is safe, was ${value}`)
    length(8)
    const high = Math.floor(value / twoTo32)
    at = buffer.writeInt32BE(high, at)
    at = buffer.writeUInt32BE(value - high * twoTo32, at)
  }

  return {
    start() {
      at = signature.length
    },
    row(fields) {
      reserve(2)
      at = buffer.writeInt16BE(fields, at)
    },
    nulls(count) {
      reserve(4 * count)
      for (let i = 0; i < count; i++) at = buffer.writeInt32BE(-1, at)
    },
    int16(value) {
      length(2)
      at = buffer.writeInt16BE(value, at)
    },
    int32(value) {
      length(4)
      at = buffer.writeInt32BE(value, at)
    },
    int64,
    float64(value) {
      length(8)
      at = buffer.writeDoubleBE(value, at)
    },
    bool(value) {
      length(1)
      at = buffer.writeUInt8(value ? 1 : 0, at)
    },
    time(epochMs) {
      invariant(
        Number.isSafeInteger(epochMs) && Math.abs(epochMs) <= timeSpanMsMax,
        `a stored time is an integer of at most ${timeSpanMsMax} ms, was ${epochMs}`,
      )
      const micros = (epochMs - postgresEpochMs) * 1000
      if (Number.isSafeInteger(micros)) return int64(micros)
      length(8)
      at = buffer.writeBigInt64BE(BigInt(epochMs - postgresEpochMs) * 1000n, at)
    },
    text(value) {
      reserve(4 + value.length * 3)
      const bytes = buffer.write(value, at + 4)
      buffer.writeInt32BE(bytes, at)
      at += 4 + bytes
    },
    bytes(value) {
      length(value.length)
      buffer.set(value, at)
      at += value.length
    },
    finish() {
      reserve(2)
      at = buffer.writeInt16BE(-1, at)
      return buffer.subarray(0, at)
    },
  }
}
