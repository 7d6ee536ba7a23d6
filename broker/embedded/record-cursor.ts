import { controlHeader } from '../../schemas/control.ts'
import type { ColumnCursor } from '../column-fill.ts'
import { frameAppendTime, frameBaseOffset, frameCount, frameHeaderBytes, recordHeaderBytes } from './frame.ts'
import type { Page } from './page.ts'
import type { PartitionLog } from './partition-log.ts'

const none = new DataView(new ArrayBuffer(0))

/**
 * Walks a partition's records in place: no object per record, only the fields of the cursor change.
 * `peek` shows the record at `offset`; `next` moves past it.
 */
export class RecordCursor implements ColumnCursor {
  /** Of the record that `peek` found; before that, where to look. */
  offset: number
  appendTime = 0
  /** Bytes that hold the record. */
  buffer: Buffer = Buffer.alloc(0)
  /** -1 where the key is null. */
  keyLength = -1
  keyFrom = 0
  headersFrom = 0
  headersTo = 0
  /** -1 where the value is null. */
  valueLength = -1
  valueFrom = 0

  readonly #log: PartitionLog
  #page: Page | undefined
  #view: DataView = none
  #at = 0
  /** Records left in the frame, the peeked one included. */
  #left = 0
  #peeked = false

  constructor(log: PartitionLog, offset: number) {
    this.#log = log
    this.offset = offset
  }

  /** @returns false at the end of the log. @throws {FatalError} `LOG_CORRUPT`. */
  peek(): boolean {
    if (this.#peeked) return true
    if (this.#left === 0 && !this.#openFrame()) return false
    this.#readRecord()
    this.#peeked = true
    return true
  }

  next(): void {
    this.#at = this.valueFrom + Math.max(0, this.valueLength)
    this.#left -= 1
    this.offset += 1
    this.#peeked = false
  }

  /**
   * Places of the values from the peeked record on that have a value and no header, within its append.
   *
   * @returns How many were found, at most `max`.
   */
  plainRun(starts: Int32Array, ends: Int32Array, max: number): number {
    let count = 0
    for (let at = this.#at; count < max && count < this.#left; count++) {
      const valueLength = this.#view.getInt32(at + 4, true)
      if (valueLength < 0 || this.#view.getUint32(at + 8, true) > 0) return count
      const from = at + recordHeaderBytes + Math.max(0, this.#view.getInt32(at, true))
      starts[count] = from
      at = from + valueLength
      ends[count] = at
    }
    return count
  }

  passRun(ends: Int32Array, count: number): void {
    this.#at = ends[count - 1] as number
    this.#left -= count
    this.offset += count
    this.#peeked = false
  }

  get hasHeaders(): boolean {
    return this.headersTo > this.headersFrom
  }

  /** Value of the header that marks a control record. */
  controlKind(): string | undefined {
    for (let at = this.headersFrom; at < this.headersTo; ) {
      const nameEnd = at + 2 + this.#view.getUint16(at, true)
      const valueEnd = nameEnd + 4 + this.#view.getUint32(nameEnd, true)
      if (
        nameEnd - at - 2 === controlHeader.length &&
        this.buffer.toString('latin1', at + 2, nameEnd) === controlHeader
      )
        return this.buffer.toString('utf8', nameEnd + 4, valueEnd)
      at = valueEnd
    }
    return undefined
  }

  #readRecord(): void {
    const at = this.#at
    this.keyLength = this.#view.getInt32(at, true)
    this.valueLength = this.#view.getInt32(at + 4, true)
    this.keyFrom = at + recordHeaderBytes
    this.headersFrom = this.keyFrom + Math.max(0, this.keyLength)
    this.headersTo = this.headersFrom + this.#view.getUint32(at + 8, true)
    this.valueFrom = this.headersTo
  }

  /** Finds the frame that holds `offset`, or the first after it, and the record in it. */
  #openFrame(): boolean {
    for (;;) {
      if (this.#page === undefined || this.#at >= this.#page.length) {
        const found = this.#log.pageAt(this.offset)
        if (found === undefined) return false
        if (found.page !== this.#page) {
          this.#page = found.page
          this.buffer = found.buffer
          this.#view = new DataView(found.buffer.buffer, found.buffer.byteOffset, found.buffer.byteLength)
          this.#at = 0
        }
      }
      const base = frameBaseOffset(this.buffer, this.#at)
      const count = frameCount(this.buffer, this.#at)
      this.appendTime = frameAppendTime(this.buffer, this.#at)
      if (base + count > this.offset) {
        this.#enter(base, count)
        return true
      }
      this.#at += 8 + this.#view.getUint32(this.#at, true)
    }
  }

  #enter(base: number, count: number): void {
    this.#at += frameHeaderBytes
    this.#left = count
    let offset = base
    while (offset < this.offset) {
      this.#readRecord()
      this.#at = this.valueFrom + Math.max(0, this.valueLength)
      this.#left -= 1
      offset += 1
    }
    this.offset = offset
  }
}
