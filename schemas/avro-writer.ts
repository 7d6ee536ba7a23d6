import { invariant } from './errors.ts'
import { framingBytes, framingMagic } from './wire-format.ts'

/** Writes one framed Avro value after another into a scratch buffer that it reuses. */
export interface AvroWriter {
  /** Begins a value. */
  start(): void
  /** An int, long, or the index of an enum or union. @throws {InvariantViolation} When it is not a safe integer. */
  long(value: number): void
  double(value: number): void
  boolean(value: boolean): void
  string(value: string): void
  /** @returns The value begun by `start`, framed, in a buffer of its own. */
  finish(): Buffer
}

const stringBytesPerUnitMax = 3
const numberBytesMax = 10
const low27 = 0x800_0000
/** Longs from 0 up to here take one byte: most are such. */
const oneByteBelow = 64

/** An Avro writer for values of one schema. @param schemaId Id that the framing carries. */
export function createAvroWriter(schemaId: number): AvroWriter {
  let scratch = Buffer.alloc(1024)
  let view = viewOf(scratch)
  let end = framingBytes

  const frame = () => {
    scratch[0] = framingMagic
    scratch.writeUInt32BE(schemaId, 1)
  }
  frame()

  const reserve = (bytes: number) => {
    if (end + bytes <= scratch.length) return
    const larger = Buffer.alloc(Math.max(scratch.length * 2, end + bytes))
    larger.set(scratch)
    scratch = larger
    view = viewOf(larger)
  }

  // Fields are written through locals: what closures share is read and written in memory each time.
  const varint = (value: number, from: number) => {
    const bytes = scratch
    let rest = value
    let at = from
    for (; rest > 127; rest >>>= 7) bytes[at++] = (rest & 127) | 128
    bytes[at++] = rest
    end = at
  }

  const long = (value: number) => {
    // The rule's text is only made when it is broken.
    if (!Number.isSafeInteger(value)) invariant(false, `an Avro long is a safe integer, was ${value}`)
    reserve(numberBytesMax)
    if (value >= 0 && value < oneByteBelow) {
      scratch[end++] = 2 * value
      return
    }
    const sign = value < 0 ? 1 : 0
    const magnitude = value < 0 ? -value - 1 : value
    // 2 * magnitude + sign may pass 2^53: the low 27 bits of the magnitude and the rest go apart.
    const high = magnitude < low27 ? 0 : Math.floor(magnitude / low27)
    let low = ((magnitude - high * low27) << 1) | sign
    let at = end
    if (high > 0)
      for (let i = 0; i < 4; i++) {
        scratch[at++] = (low & 127) | 128
        low >>>= 7
      }
    varint(high > 0 ? high : low, at)
  }

  const string = (value: string) => {
    const units = value.length
    reserve(numberBytesMax + units * stringBytesPerUnitMax)
    const start = end
    varint(units * 2, start)
    const bytes = scratch
    let at = end
    for (let i = 0; i < units; i++) {
      const unit = value.charCodeAt(i)
      if (unit > 127) {
        varint(Buffer.byteLength(value) * 2, start)
        end += bytes.write(value, end, 'utf8')
        return
      }
      bytes[at++] = unit
    }
    end = at
  }

  return {
    start() {
      end = framingBytes
    },
    long,
    double(value) {
      reserve(8)
      view.setFloat64(end, value, true)
      end += 8
    },
    boolean(value) {
      reserve(1)
      scratch[end++] = value ? 1 : 0
    },
    string,
    finish() {
      const value = Buffer.allocUnsafe(end)
      scratch.copy(value, 0, 0, end)
      return value
    },
  }
}

function viewOf({ buffer, byteOffset, byteLength }: Buffer): DataView {
  return new DataView(buffer, byteOffset, byteLength)
}
