import { invariant } from './errors.ts'

/**
 * Strings by dense id, found by their UTF-8 bytes without making a string: open addressing, grows, bounded.
 * Ids are never reused.
 */
export class Interner {
  readonly names: string[] = []
  readonly #capacityMax: number
  readonly #ids = new Map<string, number>()
  #slots: Int32Array
  #hashes: Int32Array
  #starts: Float64Array
  #lengths: Int32Array
  #arena: Uint8Array
  #top = 0

  /** @param capacityMax Distinct strings at most; one more is refused with -1. */
  constructor(capacityMax = 1_000_000) {
    this.#capacityMax = capacityMax
    this.#slots = new Int32Array(1024).fill(-1)
    this.#hashes = new Int32Array(512)
    this.#starts = new Float64Array(512)
    this.#lengths = new Int32Array(512)
    this.#arena = new Uint8Array(16_384)
  }

  get size(): number {
    return this.names.length
  }

  /** Id of the string in `bytes[from, to)`, made on first sight; -1 when the table is full. */
  intern(bytes: Uint8Array, from: number, to: number): number {
    const length = to - from
    let hash = length
    for (let i = from; i < to; i++) hash = (Math.imul(hash, 31) + (bytes[i] as number)) | 0
    hash ^= hash >>> 15
    const mask = this.#slots.length - 1
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const id = this.#slots[slot] as number
      if (id < 0) return this.#add(bytes, from, length, hash, slot)
      if (this.#hashes[id] === hash && this.#lengths[id] === length && this.#equals(id, bytes, from, length)) return id
    }
  }

  /** Id of a string, made on first sight; -1 when the table is full. */
  internName(name: string): number {
    const known = this.#ids.get(name)
    if (known !== undefined) return known
    const bytes = Buffer.from(name)
    return this.intern(bytes, 0, bytes.length)
  }

  name(id: number): string {
    const name = this.names[id]
    invariant(name !== undefined, () => `an interned id is known, was ${id} of ${this.names.length}`)
    return name
  }

  #equals(id: number, bytes: Uint8Array, from: number, length: number): boolean {
    const start = this.#starts[id] as number
    for (let i = 0; i < length; i++) if (this.#arena[start + i] !== bytes[from + i]) return false
    return true
  }

  #add(bytes: Uint8Array, from: number, length: number, hash: number, slot: number): number {
    const id = this.names.length
    if (id >= this.#capacityMax) return -1
    if (id === this.#starts.length) this.#growEntries()
    while (this.#top + length > this.#arena.length)
      this.#arena = grown(this.#arena, new Uint8Array(this.#arena.length * 2))
    this.#arena.set(bytes.subarray(from, from + length), this.#top)
    this.#starts[id] = this.#top
    this.#lengths[id] = length
    this.#hashes[id] = hash
    this.#top += length
    const name = Buffer.from(bytes.subarray(from, from + length)).toString('utf8')
    this.names.push(name)
    this.#ids.set(name, id)
    this.#slots[slot] = id
    if ((id + 1) * 2 > this.#slots.length) this.#rehash()
    return id
  }

  #growEntries(): void {
    const size = this.#starts.length * 2
    this.#hashes = grown(this.#hashes, new Int32Array(size))
    this.#starts = grown(this.#starts, new Float64Array(size))
    this.#lengths = grown(this.#lengths, new Int32Array(size))
  }

  #rehash(): void {
    const slots = new Int32Array(this.#slots.length * 2).fill(-1)
    const mask = slots.length - 1
    for (let id = 0; id < this.names.length; id++) {
      let slot = (this.#hashes[id] as number) & mask
      while ((slots[slot] as number) >= 0) slot = (slot + 1) & mask
      slots[slot] = id
    }
    this.#slots = slots
  }
}

function grown<T extends Uint8Array | Int32Array | Float64Array>(from: T, to: T): T {
  to.set(from)
  return to
}
