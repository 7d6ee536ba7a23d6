import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { OffsetRange, OutgoingRecord } from '../../ports/broker.ts'
import type { Clock } from '../../ports/clock.ts'
import { FatalError, messageOf, TransientError } from '../../schemas/errors.ts'
import { compactSegment, newestOffsets } from './compaction.ts'
import { logCorrupt, type Truncation } from './corruption.ts'
import { frameBytesMax, frameHeaderBytes, recordBytes, writeFrame } from './frame.ts'
import type { LogSettings } from './log-settings.ts'
import type { Page, TailMemory } from './page.ts'
import {
  bytesOf,
  closeSegment,
  createSegment,
  pagesOf,
  pageWithRoom,
  recoverSegment,
  type Segment,
  sealedSegment,
  writeToFile,
} from './segment.ts'

interface PartitionLogOptions {
  /** Folder of the segments; undefined for memory only. */
  readonly dir: string | undefined
  readonly settings: LogSettings
  readonly clock: Clock
  readonly tail: TailMemory
  /** A file has bytes that a crash of the machine would lose. */
  onWritten(path: string): void
}

/** One partition: records in the order of their offsets, in segments of which the oldest go. */
export class PartitionLog {
  readonly truncation: Truncation | undefined
  readonly #options: PartitionLogOptions
  readonly #segments: Segment[] = []
  readonly #listeners = new Set<() => void>()
  #appendTime = Number.NEGATIVE_INFINITY
  #closed = false
  #retainFrom = Number.POSITIVE_INFINITY

  /** @throws {FatalError} `LOG_CORRUPT`. */
  constructor(options: PartitionLogOptions) {
    this.#options = options
    const { dir } = options
    const bases = dir === undefined ? [] : segmentBases(dir)
    for (const [i, base] of bases.entries()) {
      const path = segmentPath(dir, base)
      const next = bases[i + 1]
      if (path === undefined) continue
      if (next === undefined) {
        const { segment, truncation } = recoverSegment(path, base)
        this.#segments.push(segment)
        this.truncation = truncation
        if (truncation !== undefined) options.onWritten(path)
      } else this.#segments.push(sealedSegment(path, base, next))
    }
    if (this.#segments.length === 0) this.#segments.push(this.#newSegment(0))
    const newest = this.#segments.findLast((segment) => segment.bytes > 0)
    if (newest !== undefined) this.#appendTime = pagesOf(newest).at(-1)?.lastAppendTime ?? newest.firstAppendTime
  }

  /** First offset that is held; compaction leaves gaps, it does not move the start. */
  get earliest(): number {
    return this.#options.settings.compact ? 0 : (this.#segments[0]?.baseOffset ?? 0)
  }

  /** Offset after the last record. */
  get latest(): number {
    return this.#active.nextOffset
  }

  get range(): OffsetRange {
    return { earliest: this.earliest, latest: this.latest }
  }

  /** Its topic was deleted, or the broker closed. */
  get closed(): boolean {
    return this.#closed
  }

  /** Bytes of all segments. */
  get bytes(): number {
    return this.#segments.reduce((sum, segment) => sum + segment.bytes, 0)
  }

  get #active(): Segment {
    const active = this.#segments.at(-1)
    if (active === undefined) throw new FatalError({ code: 'LOG_CLOSED', message: 'the log is closed' })
    return active
  }

  /**
   * Appends records as one whole: after it returns they are in the file, and readers see all of them.
   *
   * @returns Offset of the first.
   * @throws {TransientError} `LOG_WRITE_FAILED`: nothing was appended.
   */
  append(records: readonly OutgoingRecord[]): number {
    let bytes = frameHeaderBytes
    for (const record of records) bytes += recordBytes(record)
    if (bytes > frameBytesMax)
      throw new FatalError({
        code: 'APPEND_TOO_LARGE',
        message: `one append to a partition holds at most ${frameBytesMax} bytes, was ${bytes}`,
      })
    if (this.#active.bytes > 0 && this.#active.bytes + bytes > this.#options.settings.segmentBytes) this.#roll()
    const segment = this.#active
    const appendTime = Math.max(this.#options.clock.now(), this.#appendTime)
    const page = pageWithRoom(segment, bytes, this.#options.tail)
    const baseOffset = segment.nextOffset
    const { buffer } = page
    if (buffer === undefined) throw new FatalError({ code: 'LOG_CLOSED', message: 'the page has no memory' })
    const end = writeFrame(buffer, page.length, records, baseOffset, appendTime)
    try {
      writeToFile(segment, buffer.subarray(page.length, end))
    } catch (error) {
      throw new TransientError({
        ...{ code: 'LOG_WRITE_FAILED', message: `could not append to ${segment.path}`, why: messageOf(error) },
        ...{ hint: 'make room on the disk', cause: error },
      })
    }
    if (segment.path !== undefined) this.#options.onWritten(segment.path)
    segment.bytes += end - page.length
    segment.nextOffset += records.length
    if (Number.isNaN(segment.firstAppendTime)) segment.firstAppendTime = appendTime
    page.length = end
    page.nextOffset = segment.nextOffset
    page.lastAppendTime = appendTime
    this.#appendTime = appendTime
    for (const listener of this.#listeners) listener()
    return baseOffset
  }

  /** The page that holds `offset`, or the next record where compaction took it; undefined at the end. */
  pageAt(offset: number): { readonly page: Page; readonly buffer: Buffer } | undefined {
    for (let i = this.#segmentIndexOf(offset); i < this.#segments.length; i++) {
      const segment = this.#segments[i]
      if (segment === undefined || segment.nextOffset <= offset) continue
      const page = firstPageAfter(pagesOf(segment), offset)
      if (page === undefined || page.nextOffset <= offset) continue
      if (page.baseOffset > offset && !this.#options.settings.compact) throw logCorrupt(this.#pathAt(offset), 0, offset)
      return { page, buffer: bytesOf(segment, page) }
    }
    return undefined
  }

  /** Where to begin looking for records appended at `timestampMs` or later: no such record is before it. */
  offsetBefore(timestampMs: number): number {
    let offset = this.earliest
    for (const segment of this.#segments) {
      if (!(segment.firstAppendTime < timestampMs)) break
      offset = segment.baseOffset
      for (const page of pagesOf(segment)) {
        if (page.lastAppendTime >= timestampMs) return page.baseOffset
        offset = page.nextOffset
      }
    }
    return offset
  }

  /** @returns What ends the listening. */
  onAppend(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  retainFrom(offset: number): void {
    this.#retainFrom = offset
  }

  /** Deletes whole old segments by size and age, never one that holds a retained offset. */
  retain(): void {
    const { retentionBytes, retentionMs, compact } = this.#options.settings
    if (compact) return
    const aged = this.#options.clock.now() - retentionMs
    if (this.#active.firstAppendTime < aged + retentionMs / 2) this.#roll()
    let { bytes } = this
    while (this.#segments.length > 1) {
      const [oldest, next] = this.#segments
      if (oldest === undefined || next === undefined || oldest.nextOffset > this.#retainFrom) return
      const newestTime = Number.isNaN(next.firstAppendTime) ? this.#appendTime : next.firstAppendTime
      if (bytes - oldest.bytes < retentionBytes && newestTime >= aged) return
      bytes -= oldest.bytes
      this.#segments.shift()
      this.#discard(oldest)
    }
  }

  /** Frees files and memory, and wakes readers, who then find it closed. */
  close(): void {
    for (const segment of this.#segments) {
      closeSegment(segment)
      for (const page of segment.pages ?? []) this.#options.tail.drop(page)
    }
    this.#closed = true
    const listeners = [...this.#listeners]
    this.#listeners.clear()
    for (const listener of listeners) listener()
  }

  #newSegment(baseOffset: number): Segment {
    const path = segmentPath(this.#options.dir, baseOffset)
    if (path !== undefined) this.#options.onWritten(path)
    return createSegment(path, baseOffset)
  }

  #roll(): void {
    const sealed = this.#active
    if (sealed.bytes === 0) return
    this.#segments.push(this.#newSegment(sealed.nextOffset))
    closeSegment(sealed)
    if (this.#options.settings.compact) this.#compact()
    else this.retain()
  }

  #compact(): void {
    const sealed = this.#segments.slice(0, -1)
    const newest = newestOffsets(sealed)
    if (newest === undefined) return
    for (const segment of sealed) {
      const pages = segment.pages ?? []
      const compacted = compactSegment(segment, newest)
      if (compacted !== segment) for (const page of pages) this.#options.tail.drop(page)
      const at = this.#segments.indexOf(segment)
      if (compacted === undefined) this.#segments.splice(at, 1)
      else this.#segments[at] = compacted
    }
  }

  #discard(segment: Segment): void {
    closeSegment(segment)
    for (const page of segment.pages ?? []) this.#options.tail.drop(page)
    if (segment.path !== undefined) rmSync(segment.path, { force: true })
  }

  #pathAt(offset: number): string {
    return this.#segments[this.#segmentIndexOf(offset)]?.path ?? 'a log in memory'
  }

  #segmentIndexOf(offset: number): number {
    let low = 0
    let high = this.#segments.length - 1
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if ((this.#segments[middle]?.baseOffset ?? 0) <= offset) low = middle
      else high = middle - 1
    }
    return low
  }
}

function firstPageAfter(pages: readonly Page[], offset: number): Page | undefined {
  let low = 0
  let high = pages.length - 1
  while (low < high) {
    const middle = (low + high) >> 1
    if ((pages[middle]?.nextOffset ?? 0) > offset) high = middle
    else low = middle + 1
  }
  return pages[low]
}

function segmentPath(dir: string | undefined, baseOffset: number): string | undefined {
  return dir === undefined ? undefined : join(dir, `${String(baseOffset).padStart(20, '0')}.log`)
}

function segmentBases(dir: string): number[] {
  const names = readdirSync(dir)
  for (const name of names) if (name.endsWith('.part')) rmSync(join(dir, name))
  return names
    .filter((name) => /^\d{20}\.log$/.test(name))
    .map((name) => Number(name.slice(0, 20)))
    .sort((a, b) => a - b)
}
