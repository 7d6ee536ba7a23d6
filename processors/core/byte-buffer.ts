import { invariant } from '../../schemas/errors.ts'

/** Little-endian bytes that grow: packed state and outbox rows are written with it. */
export interface ByteWriter {
  byte(value: number): void
  /** Unsigned integer below 2^53, as a varint. */
  uint(value: number): void
  f64(value: number): void
  /** Numbers side by side: those from `from` to `to` (exclusive). */
  f64s(values: Float64Array, from: number, to: number): void
  text(value: string): void
  bytes(value: Uint8Array): void
  readonly length: number
  /** What was written; good until more is. */
  readonly written: Uint8Array
  /** A copy of what was written. */
  finish(): Uint8Array
  /** Forgets what was written; keeps the memory. */
  reset(): void
}

/** Characters of a text that is written one by one, where all are ASCII: for the longer ones a call of the encoder pays. */
const shortText = 32

function isAscii(value: string): boolean {
  for (let i = 0; i < value.length; i++) if (value.charCodeAt(i) > 127) return false
  return true
}

export function createByteWriter(capacity = 256): ByteWriter {
  let buffer = new Uint8Array(capacity)
  let view = new DataView(buffer.buffer)
  let at = 0
  const room = (size: number): void => {
    if (at + size <= buffer.length) return
    const larger = new Uint8Array(Math.max(buffer.length * 2, at + size))
    larger.set(buffer.subarray(0, at))
    buffer = larger
    view = new DataView(buffer.buffer)
  }
  const uint = (value: number): void => {
    room(8)
    let rest = value
    while (rest > 127) {
      buffer[at++] = (rest % 128) | 128
      rest = Math.floor(rest / 128)
    }
    buffer[at++] = rest
  }
  const bytes = (value: Uint8Array): void => {
    uint(value.length)
    room(value.length)
    buffer.set(value, at)
    at += value.length
  }
  return {
    byte(value) {
      room(1)
      buffer[at++] = value
    },
    uint,
    f64(value) {
      room(8)
      view.setFloat64(at, value, true)
      at += 8
    },
    f64s(values, from, to) {
      room(8 * (to - from))
      for (let i = from; i < to; i++, at += 8) view.setFloat64(at, values[i] as number, true)
    },
    text(value) {
      const { length } = value
      if (length > shortText || !isAscii(value)) return bytes(Buffer.from(value))
      room(1 + length)
      buffer[at++] = length
      for (let i = 0; i < length; i++) buffer[at++] = value.charCodeAt(i)
    },
    bytes,
    get length() {
      return at
    },
    get written() {
      return buffer.subarray(0, at)
    },
    finish: () => buffer.slice(0, at),
    reset() {
      at = 0
    },
  }
}

/** State that was written before its topic had more partitions: what is of other partitions now is in it, too. */
export interface MovedState {
  /** Whether a key belongs to another partition: nothing is taken of it. */
  isElsewhere(key: string): boolean
  /** The partition is new: offsets of before are those of another one. */
  readonly isNewPartition: boolean
}

/** Reads what a `ByteWriter` wrote; reading past the end is our bug, or a damaged row. */
export interface ByteReader {
  byte(): number
  uint(): number
  f64(): number
  text(): string
  bytes(): Uint8Array
  /** Passes over this many `f64`. */
  skipF64s(count: number): void
  readonly done: boolean
  /** Undefined where all of it is the partition's own. */
  readonly moved: MovedState | undefined
}

export function createByteReader(buffer: Uint8Array, moved?: MovedState): ByteReader {
  const view = new DataView(buffer.buffer, buffer.byteOffset, buffer.byteLength)
  let at = 0
  const take = (size: number): number => {
    invariant(at + size <= buffer.length, () => `packed state holds ${at + size} bytes, has ${buffer.length}`)
    at += size
    return at - size
  }
  const uint = (): number => {
    let value = 0
    for (let scale = 1; ; scale *= 128) {
      const byte = view.getUint8(take(1))
      value += (byte & 127) * scale
      if (byte < 128) return value
    }
  }
  const bytes = (): Uint8Array => {
    const size = uint()
    const from = take(size)
    return buffer.subarray(from, from + size)
  }
  return {
    byte: () => view.getUint8(take(1)),
    uint,
    f64: () => view.getFloat64(take(8), true),
    text: () => Buffer.from(bytes()).toString('utf8'),
    bytes,
    skipF64s: (count) => void take(8 * count),
    moved,
    get done() {
      return at === buffer.length
    },
  }
}
