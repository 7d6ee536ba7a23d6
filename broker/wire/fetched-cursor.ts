import { crc32c } from '@node-rs/crc32'
import { controlHeader } from '../../schemas/control.ts'
import { messageOf } from '../../schemas/errors.ts'
import type { ColumnCursor } from '../column-fill.ts'
import { abortMarker, attribute, batchField, batchLengthBytes, batchMagic, int64At } from './record-batch.ts'
import type { Scratch } from './scratch.ts'
import { unpack } from './unpack.ts'

/** A transaction whose records nobody gets. */
export interface AbortedTransaction {
  readonly producerId: bigint
  readonly firstOffset: bigint
}

/** What was fetched does not have the form that it must: of a batch, with its offset. */
export class BadBatchError extends Error {
  readonly offset: number

  constructor(offset: number, what: string) {
    super(`the batch at offset ${offset}: ${what}`)
    this.offset = offset
  }
}

interface FetchedBytes {
  readonly bytes: Buffer
  /** Where the partition's batches stand in `bytes`; the last one may be cut. */
  readonly from: number
  readonly to: number
  readonly aborted?: readonly AbortedTransaction[]
  /** Where batches are unpacked, one after the other. */
  readonly scratch?: Scratch
}

const noBytes = Buffer.alloc(0)

/**
 * Walks the record batches of one partition as a broker sends them (message format 2): every batch is checked against its
 * checksum before anything of it is read, records of aborted transactions and control batches are passed over.
 *
 * @see https://kafka.apache.org/documentation/#messageformat
 * @throws {BadBatchError} From `peek`: a checksum that does not fit, another format, records that pass their batch.
 */
export class FetchedCursor implements ColumnCursor {
  offset: number
  appendTime = 0
  buffer: Buffer = noBytes
  valueFrom = 0
  valueLength = -1
  hasHeaders = false
  keyFrom = 0
  /** -1 where the key is null. */
  keyLength = -1

  readonly #bytes: Buffer
  readonly #to: number
  readonly #scratch: Scratch | undefined
  /** Aborted transactions that begin after what was walked, by their first offset. */
  readonly #aborted: AbortedTransaction[]
  readonly #aborting = new Set<bigint>()
  #nextBatch: number
  #batchOffset = 0
  #batchNext = 0
  #isLogAppendTime = true
  #batchTime = 0
  /** Where the peeked record, or the next, starts; and where its batch ends. */
  #at = 0
  #end = 0
  /** Of the peeked record. */
  #recordEnd = 0
  #headersFrom = 0
  /** Records left in the batch, the peeked one included. */
  #left = 0
  #peeked = false
  /** A varint's value and where it ends. */
  #value = 0
  #after = 0

  /** @param offset Of the first record that is wanted: its batch may begin before it. */
  constructor({ bytes, from, to, aborted = [], scratch }: FetchedBytes, offset: number) {
    this.offset = offset
    this.#bytes = bytes
    this.#nextBatch = from
    this.#to = to
    this.#scratch = scratch
    this.#aborted = [...aborted].sort((a, b) => Number(a.firstOffset - b.firstOffset))
  }

  peek(): boolean {
    while (!this.#peeked) {
      if (this.#left === 0 && !this.#openBatch()) return false
      if (this.#left > 0) this.#readRecord()
    }
    return true
  }

  next(): void {
    this.#pass(this.#recordEnd, 1)
  }

  plainRun(starts: Int32Array, ends: Int32Array, max: number): number {
    const { buffer } = this
    const most = Math.min(max, this.#left)
    let [at, count] = [this.#at, 0]
    for (; count < most; count++) {
      // One byte each, as long as a record is short: what is longer is read the other way.
      let byte = buffer[at] as number
      let length = byte & 0x7f
      at += 1
      if (byte > 0x7f) {
        byte = buffer[at] as number
        at += 1
        if (byte > 0x7f) return count
        length |= byte << 7
      }
      if ((length & 1) !== 0) return count
      const recordEnd = at + (length >>> 1)
      if (recordEnd > this.#end) return count
      at += 1
      if (this.#isLogAppendTime) while ((buffer[at++] as number) > 0x7f);
      else if (buffer[at++] !== 0) return count
      this.#readVarint(at, recordEnd)
      if (this.#value !== this.offset + count - this.#batchOffset) return count
      this.#readVarint(this.#after, recordEnd)
      at = this.#after + Math.max(0, this.#value)
      this.#readVarint(at, recordEnd)
      const valueLength = this.#value
      const valueEnd = this.#after + valueLength
      if (valueLength < 0 || valueEnd + 1 !== recordEnd || buffer[valueEnd] !== 0) return count
      starts[count] = this.#after
      ends[count] = valueEnd
      at = recordEnd
    }
    return count
  }

  passRun(ends: Int32Array, count: number): void {
    // The byte after a plain record's value tells that no header follows.
    this.#pass((ends[count - 1] as number) + 1, count)
  }

  controlKind(): string | undefined {
    for (const [name, text] of this.headers()) if (name === controlHeader) return text
    return undefined
  }

  /** Headers of the peeked record, as text. */
  *headers(): Generator<readonly [name: string, text: string]> {
    const { buffer } = this
    const end = this.#recordEnd
    const count = this.#readVarint(this.#headersFrom, end)
    let at = this.#after
    for (let i = 0; i < count; i++) {
      const nameFrom = this.#field(at, end)
      const nameEnd = this.#after
      const textFrom = this.#field(nameEnd, end)
      at = this.#after
      yield [buffer.toString('utf8', nameFrom, nameEnd), buffer.toString('utf8', textFrom, at)]
    }
  }

  #pass(to: number, count: number): void {
    this.#at = to
    this.#left -= count
    this.#peeked = false
    // Records that compaction took from the end of a batch are passed over with it.
    this.offset = this.#left === 0 ? this.#batchNext : this.offset + count
  }

  /** Finds the next batch that holds wanted records. @returns false where no whole batch is left. */
  #openBatch(): boolean {
    const bytes = this.#bytes
    for (;;) {
      const at = this.#nextBatch
      if (at + batchField.records > this.#to) return false
      const end = at + batchLengthBytes + bytes.readInt32BE(at + batchField.length)
      const base = int64At(bytes, at + batchField.baseOffset)
      if (end < at + batchField.records) throw new BadBatchError(base, 'it is shorter than its header')
      if (end > this.#to) return false
      checkBatch(bytes, at, end, base)
      const next = base + bytes.readInt32BE(at + batchField.lastOffsetDelta) + 1
      const attributes = bytes.readInt16BE(at + batchField.attributes)
      const isDropped = this.#isDropped(at, attributes, next)
      const isEntered = next > this.offset && !isDropped && this.#enter(at, end, attributes, base, next)
      // Not before all went well: a batch that is no good stands in the way of those behind it.
      this.#nextBatch = end
      if (isEntered) return true
      this.offset = Math.max(this.offset, next)
    }
  }

  /** Control batches, and those of transactions that were aborted. */
  #isDropped(at: number, attributes: number, next: number): boolean {
    const bytes = this.#bytes
    const producerId = bytes.readBigInt64BE(at + batchField.producerId)
    for (let first = this.#aborted[0]; first !== undefined && first.firstOffset < next; first = this.#aborted[0]) {
      this.#aborting.add(first.producerId)
      this.#aborted.shift()
    }
    if ((attributes & attribute.control) !== 0) {
      if (markerAt(bytes, at + batchField.records) === abortMarker) this.#aborting.delete(producerId)
      return true
    }
    return (attributes & attribute.transactional) !== 0 && this.#aborting.has(producerId)
  }

  /** @returns false where compaction left the batch empty. */
  #enter(at: number, end: number, attributes: number, base: number, next: number): boolean {
    const bytes = this.#bytes
    const codec = attributes & attribute.codec
    this.buffer =
      codec === 0 ? bytes : unpacked(codec, bytes.subarray(at + batchField.records, end), base, this.#scratch)
    this.#at = codec === 0 ? at + batchField.records : 0
    this.#end = codec === 0 ? end : this.buffer.length
    this.#batchOffset = base
    this.#batchNext = next
    this.#isLogAppendTime = (attributes & attribute.logAppendTime) !== 0
    this.#batchTime = int64At(bytes, at + (this.#isLogAppendTime ? batchField.maxTimestamp : batchField.baseTimestamp))
    this.#left = bytes.readInt32BE(at + batchField.recordCount)
    return this.#left > 0
  }

  /** Reads the record at `#at`; one before the wanted offset is passed over. */
  #readRecord(): void {
    const length = this.#readVarint(this.#at, this.#end)
    const end = this.#after + length
    if (length < 0 || end > this.#end) throw this.#bad('a record passes the end of its batch')
    const timeDelta = this.#readVarint(this.#after + 1, end)
    const offset = this.#batchOffset + this.#readVarint(this.#after, end)
    if (offset < this.offset) {
      this.#at = end
      this.#left -= 1
      // All that was wanted of the batch, compaction has taken.
      if (this.#left === 0) this.offset = this.#batchNext
      return
    }
    this.offset = offset
    this.appendTime = this.#isLogAppendTime ? this.#batchTime : this.#batchTime + timeDelta
    this.keyFrom = this.#field(this.#after, end)
    this.keyLength = this.#value
    const valueAt = this.#after
    this.valueFrom = this.#field(valueAt, end)
    this.valueLength = this.#value
    this.#headersFrom = this.#after
    this.hasHeaders = this.#readVarint(this.#after, end) > 0
    this.#recordEnd = end
    this.#peeked = true
  }

  /** Passes over bytes with their length before them; -1 is none. @returns Where they start; `#after` is where they end. */
  #field(at: number, end: number): number {
    const length = this.#readVarint(at, end)
    const from = this.#after
    this.#after = from + Math.max(0, length)
    if (this.#after > end) throw this.#bad('a field passes the end of its record')
    return from
  }

  /** A zigzag varint, exact within ±2^52. */
  #readVarint(at: number, end: number): number {
    const { buffer } = this
    let byte = buffer[at] as number
    let position = at + 1
    let bits = byte & 0x7f
    if (byte > 0x7f) {
      let unit = 128
      do {
        if (position >= end) throw this.#bad('a number passes the end of its record')
        byte = buffer[position] as number
        position += 1
        bits += (byte & 0x7f) * unit
        unit *= 128
      } while (byte > 0x7f)
    }
    this.#after = position
    this.#value = bits % 2 === 0 ? bits / 2 : -(bits + 1) / 2
    return this.#value
  }

  #bad(what: string): BadBatchError {
    return new BadBatchError(this.#batchOffset, what)
  }
}

function checkBatch(bytes: Buffer, at: number, end: number, base: number): void {
  const magic = bytes.readInt8(at + batchField.magic)
  if (magic !== batchMagic) throw new BadBatchError(base, `message format ${magic} is not read, only ${batchMagic}`)
  const told = bytes.readUInt32BE(at + batchField.crc)
  if (crc32c(bytes.subarray(at + batchField.attributes, end)) !== told)
    throw new BadBatchError(base, 'it does not match its checksum')
}

/** Type of the control record that is alone in its batch: its key is a version and a type, two bytes each. */
function markerAt(bytes: Buffer, at: number): number {
  // Length, attributes, time and offset delta, key length: all small, so one byte each, but for the time.
  let key = at + 2
  while ((bytes[key] ?? 0) > 0x7f) key += 1
  return bytes.readInt16BE(key + 5)
}

function unpacked(codec: number, bytes: Buffer, base: number, scratch: Scratch | undefined): Buffer {
  try {
    return unpack(codec, bytes, scratch)
  } catch (error) {
    throw new BadBatchError(base, `it cannot be unpacked: ${messageOf(error)}`)
  }
}
