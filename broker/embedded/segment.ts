import { closeSync, fstatSync, ftruncateSync, openSync, readSync, writeSync } from 'node:fs'
import { logCorrupt, type Truncation } from './corruption.ts'
import { frameAppendTime, frameBaseOffset, frameBytes, frameCount, frameHeaderBytes, soundFrameBytes } from './frame.ts'
import { type Page, pageBytesMax, pageBytesMin, type TailMemory } from './page.ts'

/** A stretch of a partition: a file that only grows, or the same in memory where there is no path. */
export interface Segment {
  readonly path: string | undefined
  readonly baseOffset: number
  bytes: number
  /** Offset after the last record. */
  nextOffset: number
  /** NaN while empty. */
  firstAppendTime: number
  /** Absent until the file was looked through. */
  pages: Page[] | undefined
  fd: number | undefined
}

export function createSegment(path: string | undefined, baseOffset: number): Segment {
  const fd = path === undefined ? undefined : openSync(path, 'wx')
  return { path, baseOffset, bytes: 0, nextOffset: baseOffset, firstAppendTime: Number.NaN, pages: [], fd }
}

/** An older file of a log, closed and unread but for its first append's header. */
export function sealedSegment(path: string, baseOffset: number, nextOffset: number): Segment {
  const fd = openSync(path, 'r')
  try {
    const head = Buffer.alloc(frameHeaderBytes)
    const read = readSync(fd, head, 0, frameHeaderBytes, 0)
    if (read < frameHeaderBytes) throw logCorrupt(path, 0, baseOffset)
    const firstAppendTime = frameAppendTime(head, 0)
    return { path, baseOffset, bytes: fstatSync(fd).size, nextOffset, firstAppendTime, pages: undefined, fd: undefined }
  } finally {
    closeSync(fd)
  }
}

/** Opens the newest file: whole, sound appends stay, what follows them is cut off. */
export function recoverSegment(path: string, baseOffset: number): { segment: Segment; truncation?: Truncation } {
  const fd = openSync(path, 'r+')
  const segment: Segment = {
    ...{ path, baseOffset, bytes: 0, nextOffset: baseOffset, firstAppendTime: Number.NaN, pages: [], fd },
  }
  const buffer = readWhole(fd)
  const soundBytes = lookThrough(segment, buffer)
  segment.bytes = soundBytes
  if (soundBytes === buffer.length) return { segment }
  ftruncateSync(fd, soundBytes)
  const records = recordsClaimed(buffer, soundBytes)
  return { segment, truncation: { path, offset: segment.nextOffset, bytes: buffer.length - soundBytes, records } }
}

/** Finds the pages of an older file, once. @throws {FatalError} `LOG_CORRUPT`. */
export function pagesOf(segment: Segment): readonly Page[] {
  if (segment.pages !== undefined || segment.path === undefined) return segment.pages ?? []
  const fd = openSync(segment.path, 'r')
  try {
    segment.pages = []
    const { nextOffset } = segment
    const buffer = readWhole(fd)
    const soundBytes = lookThrough(segment, buffer)
    const damagedAt = segment.nextOffset
    segment.nextOffset = nextOffset
    if (soundBytes < buffer.length) {
      segment.pages = undefined
      throw logCorrupt(segment.path, soundBytes, damagedAt)
    }
    return segment.pages
  } finally {
    closeSync(fd)
  }
}

/** Bytes of a page, from memory or the file. @throws {FatalError} `LOG_CORRUPT`. */
export function bytesOf(segment: Segment, page: Page): Buffer {
  if (page.buffer !== undefined || segment.path === undefined) return page.buffer ?? Buffer.alloc(0)
  const buffer = Buffer.allocUnsafeSlow(page.length)
  const fd = openSync(segment.path, 'r')
  try {
    const read = readSync(fd, buffer, 0, page.length, page.position)
    for (let at = 0; at < page.length; ) {
      const length = soundFrameBytes(buffer, at, read)
      if (length < 0) throw logCorrupt(segment.path, page.position + at, page.baseOffset)
      at += length
    }
    return buffer
  } finally {
    closeSync(fd)
  }
}

/** The page that takes the next `bytes`: the last one while it has room, else a new one. */
export function pageWithRoom(segment: Segment, bytes: number, tail: TailMemory): Page {
  segment.pages ??= []
  const last = segment.pages.at(-1)
  if (last?.buffer !== undefined && last.length + bytes <= last.buffer.length) return last
  const size = Math.max(bytes, Math.min(pageBytesMax, Math.max(pageBytesMin, 2 * (last?.length ?? 0))))
  const page: Page = {
    ...{ position: segment.bytes, baseOffset: segment.nextOffset, length: 0, nextOffset: segment.nextOffset },
    ...{ lastAppendTime: 0, buffer: Buffer.allocUnsafeSlow(size) },
  }
  segment.pages.push(page)
  if (segment.path !== undefined) tail.add(page)
  return page
}

/** Writes to the file; on failure the file is cut back to what it was. */
export function writeToFile(segment: Segment, bytes: Buffer): void {
  if (segment.fd === undefined) return
  try {
    for (let written = 0; written < bytes.length; )
      written += writeSync(segment.fd, bytes, written, bytes.length - written, segment.bytes + written)
  } catch (error) {
    ftruncateSync(segment.fd, segment.bytes)
    throw error
  }
}

export function closeSegment(segment: Segment): void {
  if (segment.fd !== undefined) closeSync(segment.fd)
  segment.fd = undefined
}

function readWhole(fd: number): Buffer {
  const buffer = Buffer.allocUnsafeSlow(fstatSync(fd).size)
  let length = 0
  while (length < buffer.length) {
    const read = readSync(fd, buffer, length, buffer.length - length, length)
    if (read === 0) break
    length += read
  }
  return buffer.subarray(0, length)
}

/** Fills `pages`, `nextOffset`, `firstAppendTime`. @returns Bytes of whole, sound frames from the start. */
function lookThrough(segment: Segment, buffer: Buffer): number {
  const pages: Page[] = []
  let at = 0
  for (;;) {
    const length = soundFrameBytes(buffer, at, buffer.length)
    if (length < 0) break
    const baseOffset = frameBaseOffset(buffer, at)
    const appendTime = frameAppendTime(buffer, at)
    if (at === 0) segment.firstAppendTime = appendTime
    let page = pages.at(-1)
    if (page === undefined || page.length + length > pageBytesMax) {
      page = { position: at, baseOffset, length: 0, nextOffset: baseOffset, lastAppendTime: 0, buffer: undefined }
      pages.push(page)
    }
    at += length
    page.length += length
    page.nextOffset = baseOffset + frameCount(buffer, at - length)
    page.lastAppendTime = appendTime
    segment.nextOffset = page.nextOffset
  }
  segment.pages = pages
  return at
}

function recordsClaimed(buffer: Buffer, from: number): number {
  let records = 0
  for (let at = from; ; ) {
    const length = frameBytes(buffer, at, buffer.length)
    if (length < 0 || at + length > buffer.length) return records
    records += frameCount(buffer, at)
    at += length
  }
}
