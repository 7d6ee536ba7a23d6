/** Reads an answer of Kafka's protocol. Every read throws a RangeError where the answer ends before. */
export class WireReader {
  readonly bytes: Buffer
  readonly isFlexible: boolean
  #at = 0

  /** @param isFlexible Lengths are varints, and structures end in tagged fields. */
  constructor(bytes: Buffer, isFlexible: boolean) {
    this.bytes = bytes
    this.isFlexible = isFlexible
  }

  get remaining(): number {
    return this.bytes.length - this.#at
  }

  skip(count: number): void {
    this.#advance(count)
  }

  int16(): number {
    return this.bytes.readInt16BE(this.#advance(2))
  }

  int32(): number {
    return this.bytes.readInt32BE(this.#advance(4))
  }

  int64(): bigint {
    return this.bytes.readBigInt64BE(this.#advance(8))
  }

  boolean(): boolean {
    return this.bytes.readUInt8(this.#advance(1)) !== 0
  }

  uuid(): string {
    const hex = this.bytes.toString('hex', this.#advance(16), this.#at)
    return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
  }

  string(): string | null {
    const length = this.isFlexible ? this.varint() - 1 : this.int16()
    return length < 0 ? null : this.bytes.toString('utf8', this.#advance(length), this.#at)
  }

  /** A part of the answer, not a copy; undefined where it is null. */
  nullableBytes(): Buffer | undefined {
    const length = this.isFlexible ? this.varint() - 1 : this.int32()
    return length < 0 ? undefined : this.bytes.subarray(this.#advance(length), this.#at)
  }

  /** None where it is null. */
  array<Item>(read: () => Item): Item[] {
    const count = this.isFlexible ? this.varint() - 1 : this.int32()
    const items: Item[] = []
    for (let i = 0; i < count; i++) items.push(read())
    return items
  }

  /** The end of a structure. @param known Reads the field with this tag; others are passed over. */
  end(known?: { readonly tag: number; read(): void }): void {
    if (!this.isFlexible) return
    for (let left = this.varint(); left > 0; left--) {
      const tag = this.varint()
      const length = this.varint()
      const end = this.#at + length
      if (tag === known?.tag) known.read()
      this.#advance(end - this.#at)
    }
  }

  varint(): number {
    let value = 0
    for (let unit = 1; ; unit *= 128) {
      const byte = this.bytes.readUInt8(this.#advance(1))
      value += (byte & 0x7f) * unit
      if (byte < 0x80) return value
      if (unit > 2 ** 35) throw new RangeError('a length has at most six bytes')
    }
  }

  /** @returns Where it was. */
  #advance(count: number): number {
    const from = this.#at
    if (count < 0 || from + count > this.bytes.length) throw new RangeError('the answer ends early')
    this.#at = from + count
    return from
  }
}
