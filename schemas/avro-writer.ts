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

/** An Avro writer for values of one schema. @param schemaId Id that the framing carries. */
export function createAvroWriter(schemaId: number): AvroWriter {
  const float = new Float64Array(1)
  const floatBytes = new Uint8Array(float.buffer)
  let scratch = Buffer.alloc(1024)
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
  }

  const varint = (value: number) => {
    let rest = value
    while (rest > 127) {
      scratch[end++] = (rest & 127) | 128
      rest >>>= 7
    }
    scratch[end++] = rest
  }

  const long = (value: number) => {
    // The rule's text is only made when it is broken.
    if (!Number.isSafeInteger(value)) invariant(false, `an Avro long is a safe integer, was ${value}`)
    reserve(numberBytesMax)
    const sign = value < 0 ? 1 : 0
    const magnitude = value < 0 ? -value - 1 : value
    // 2 * magnitude + sign may pass 2^53: the low 27 bits of the magnitude and the rest go apart.
    const high = magnitude < low27 ? 0 : Math.floor(magnitude / low27)
    let low = ((magnitude - high * low27) << 1) | sign
    if (high === 0) {
      varint(low)
      return
    }
    for (let i = 0; i < 4; i++) {
      scratch[end++] = (low & 127) | 128
      low >>>= 7
    }
    varint(high)
  }

  const string = (value: string) => {
    const units = value.length
    reserve(numberBytesMax + units * stringBytesPerUnitMax)
    const start = end
    varint(units * 2)
    for (let i = 0; i < units; i++) {
      const unit = value.charCodeAt(i)
      if (unit > 127) {
        end = start
        varint(Buffer.byteLength(value) * 2)
        end += scratch.write(value, end, 'utf8')
        return
      }
      scratch[end++] = unit
    }
  }

  return {
    start() {
      end = framingBytes
    },
    long,
    double(value) {
      reserve(8)
      float[0] = value
      for (let i = 0; i < 8; i++) scratch[end++] = floatBytes[i] as number
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
