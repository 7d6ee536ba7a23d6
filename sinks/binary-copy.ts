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
  let buffer = Buffer.allocUnsafeSlow(Math.max(capacityBytes, 64))
  // Its setters are a few instructions each; those of Buffer check their arguments at each call.
  let view = new DataView(buffer.buffer)
  let at = signature.copy(buffer)

  function reserve(bytes: number): void {
    if (at + bytes <= buffer.length) return
    const grown = Buffer.allocUnsafeSlow(Math.max(buffer.length * 2, at + bytes))
    buffer.copy(grown, 0, 0, at)
    buffer = grown
    view = new DataView(buffer.buffer)
  }
  /** May change `view`: it comes first. @returns Where the value of so many bytes goes. */
  function field(bytes: number): number {
    reserve(4 + bytes)
    view.setInt32(at, bytes)
    const from = at + 4
    at = from + bytes
    return from
  }
  function int64(value: number): void {
    invariant(Number.isSafeInteger(value), () => `a stored integer is safe, was ${value}`)
    const from = field(8)
    const high = Math.floor(value / twoTo32)
    view.setInt32(from, high)
    view.setUint32(from + 4, value - high * twoTo32)
  }

  return {
    start() {
      at = signature.length
    },
    row(fields) {
      reserve(2)
      view.setInt16(at, fields)
      at += 2
    },
    nulls(count) {
      reserve(4 * count)
      for (let i = 0; i < count; i++, at += 4) view.setInt32(at, -1)
    },
    int16(value) {
      invariant(value === (value << 16) >> 16, () => `an int2 has 16 bits, was ${value}`)
      const from = field(2)
      view.setInt16(from, value)
    },
    int32(value) {
      invariant(value === (value | 0), () => `an int4 has 32 bits, was ${value}`)
      const from = field(4)
      view.setInt32(from, value)
    },
    int64,
    float64(value) {
      const from = field(8)
      view.setFloat64(from, value)
    },
    bool(value) {
      const from = field(1)
      view.setUint8(from, value ? 1 : 0)
    },
    time(epochMs) {
      invariant(
        Number.isSafeInteger(epochMs) && Math.abs(epochMs) <= timeSpanMsMax,
        () => `a stored time is an integer of at most ${timeSpanMsMax} ms, was ${epochMs}`,
      )
      const micros = (epochMs - postgresEpochMs) * 1000
      if (Number.isSafeInteger(micros)) return int64(micros)
      const from = field(8)
      view.setBigInt64(from, BigInt(epochMs - postgresEpochMs) * 1000n)
    },
    text(value) {
      reserve(4 + value.length * 3)
      const bytes = buffer.write(value, at + 4)
      view.setInt32(at, bytes)
      at += 4 + bytes
    },
    bytes(value) {
      const from = field(value.length)
      buffer.set(value, from)
    },
    finish() {
      reserve(2)
      view.setInt16(at, -1)
      at += 2
      return buffer.subarray(0, at)
    },
  }
}
