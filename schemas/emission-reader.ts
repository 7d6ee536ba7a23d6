import { closedByNames, type Emission, emissionNames, fillNames } from './candle.ts'
import { unzigzag, varintBytesMax } from './exact-long.ts'

const doubleBytes = 8
/** From `open` to `buyVolumeLow`. */
const doubles = 10

/** Reads fields one behind the other. What is wrong shows at the end only: then `at` is NaN, or not where the value ends. */
class FieldReader {
  at = 0
  #bytes: Buffer = Buffer.alloc(0)
  #view: DataView = new DataView(new ArrayBuffer(0))

  start(bytes: Uint8Array, from: number): void {
    // Values that came together share their memory.
    if (this.#view.buffer !== bytes.buffer) this.#view = new DataView(bytes.buffer)
    this.#bytes = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
    this.at = from
  }

  /** A zigzag varint, exact within ±(2^53 - 1). */
  long(): number {
    const bytes = this.#bytes
    let { at } = this
    const first = bytes[at] as number
    if (first < 128) {
      this.at = at + 1
      return (first >>> 1) ^ -(first & 1)
    }
    let low = 0
    let high = 0
    let scale = 1
    for (let i = 0; i < varintBytesMax; i++) {
      const byte = bytes[at++] as number
      const part = byte & 127
      if (i < 4) low |= part << (7 * i)
      else {
        high += part * scale
        scale *= 128
      }
      if (byte < 128) {
        this.at = at
        const value = unzigzag(low, high)
        return Number.isNaN(value) ? this.#fail(0) : value
      }
    }
    return this.#fail(0)
  }

  int(): number {
    const value = this.long()
    return value === (value | 0) ? value : this.#fail(0)
  }

  /** One of an enum's names. */
  name<Name extends string>(names: readonly Name[]): Name {
    return names[this.long()] ?? this.#fail(names[0] as Name)
  }

  boolean(): boolean {
    const byte = this.#bytes[this.at++]
    return byte === 1 || (byte !== 0 && this.#fail(false))
  }

  string(): string {
    const length = this.long()
    const from = this.at
    if (!(length >= 0 && length <= this.#bytes.length - from)) return this.#fail('')
    this.at = from + length
    return this.#bytes.toString('utf8', from, this.at)
  }

  /** Whether so many doubles are there. */
  has(count: number): boolean {
    return this.at + count * doubleBytes <= this.#bytes.length || this.#fail(false)
  }

  /** Ask for it with `has` first. */
  double(): number {
    const value = this.#view.getFloat64(this.#bytes.byteOffset + this.at, true)
    this.at += doubleBytes
    return value
  }

  #fail<Value>(value: Value): Value {
    this.at = Number.NaN
    return value
  }
}

/**
 * Reads emissions whose writer's schema is `emissionAvro` itself: at the end of a day they are many, and a schema library
 * takes some ten times as long.
 *
 * @returns Undefined where `[from, to)` is not exactly one.
 */
export function createEmissionReader(): (bytes: Uint8Array, from: number, to: number) => Emission | undefined {
  const fields = new FieldReader()
  return (bytes, from, to) => {
    fields.start(bytes, from)
    const kind = fields.name(emissionNames)
    const e = fields.long()
    const q = fields.long()
    const symbol = fields.string()
    const interval = fields.int()
    const start = fields.long()
    const end = fields.long()
    if (!fields.has(doubles)) return undefined
    const candle = {
      symbol,
      interval,
      start,
      end,
      open: fields.double(),
      high: fields.double(),
      low: fields.double(),
      close: fields.double(),
      volume: fields.double(),
      volumeLow: fields.double(),
      quoteVolume: fields.double(),
      quoteVolumeLow: fields.double(),
      buyVolume: fields.double(),
      buyVolumeLow: fields.double(),
      trades: fields.long(),
      firstTradeId: fields.long(),
      lastTradeId: fields.long(),
      final: fields.boolean(),
      revision: fields.long(),
      closedBy: fields.name(closedByNames),
      fill: fields.name(fillNames),
      partial: fields.boolean(),
      seq: fields.long(),
    }
    return fields.at === to ? { kind, e, q, candle } : undefined
  }
}
