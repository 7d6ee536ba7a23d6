const firstBytes = 256

/** Writes a request of Kafka's protocol, whose first four bytes are its length. */
export class WireWriter {
  readonly isFlexible: boolean
  #bytes = Buffer.allocUnsafe(firstBytes)
  #at = 4

  /** @param isFlexible Lengths are varints, and structures end in tagged fields. */
  constructor(isFlexible: boolean) {
    this.isFlexible = isFlexible
  }

  int8(value: number): this {
    this.#at = this.#room(1).writeInt8(value, this.#at)
    return this
  }

  int16(value: number): this {
    this.#at = this.#room(2).writeInt16BE(value, this.#at)
    return this
  }

  int32(value: number): this {
    this.#at = this.#room(4).writeInt32BE(value, this.#at)
    return this
  }

  int64(value: bigint): this {
    this.#at = this.#room(8).writeBigInt64BE(value, this.#at)
    return this
  }

  boolean(value: boolean): this {
    return this.int8(value ? 1 : 0)
  }

  uuid(text: string): this {
    this.#append(Buffer.from(text.replaceAll('-', ''), 'hex'))
    return this
  }

  string(value: string | null): this {
    const bytes = value === null ? undefined : Buffer.from(value)
    if (this.isFlexible) this.#varint(bytes === undefined ? 0 : bytes.length + 1)
    else this.int16(bytes?.length ?? -1)
    if (bytes !== undefined) this.#append(bytes)
    return this
  }

  /** The rest of a request's header: in every version the name is of the old form. */
  header(clientId: string): this {
    const bytes = Buffer.from(clientId)
    this.int16(bytes.length)
    this.#append(bytes)
    return this.end()
  }

  bytes(value: Buffer): this {
    if (this.isFlexible) this.#varint(value.length + 1)
    else this.int32(value.length)
    this.#append(value)
    return this
  }

  array<Item>(items: readonly Item[], write: (item: Item) => void): this {
    if (this.isFlexible) this.#varint(items.length + 1)
    else this.int32(items.length)
    for (const item of items) write(item)
    return this
  }

  /** Ends a structure: no tagged fields. */
  end(): this {
    if (this.isFlexible) this.#varint(0)
    return this
  }

  /** The request, good until nothing more is written. */
  finish(): Buffer {
    const whole = this.#bytes.subarray(0, this.#at)
    whole.writeInt32BE(whole.length - 4, 0)
    return whole
  }

  #varint(value: number): void {
    this.#room(5)
    let bits = value
    for (; bits > 0x7f; bits >>>= 7) this.#bytes[this.#at++] = (bits & 0x7f) | 0x80
    this.#bytes[this.#at++] = bits
  }

  #append(bytes: Buffer): void {
    this.#room(bytes.length)
    this.#at += bytes.copy(this.#bytes, this.#at)
  }

  #room(count: number): Buffer {
    if (this.#at + count > this.#bytes.length) {
      const larger = Buffer.allocUnsafe(Math.max(2 * this.#bytes.length, this.#at + count))
      this.#bytes.copy(larger, 0, 0, this.#at)
      this.#bytes = larger
    }
    return this.#bytes
  }
}
