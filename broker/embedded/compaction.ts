import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs'
import { frameBaseOffset, frameBytes, frameCount, frameHeaderBytes, recordHeaderBytes, sealFrame } from './frame.ts'
import { bytesOf, pagesOf, type Segment } from './segment.ts'

/** A topic with more keys is not compacted: it only grows. */
const compactKeysMax = 1_000_000

/** Offset of the newest record of each key; undefined where there are too many keys. */
export function newestOffsets(segments: readonly Segment[]): ReadonlyMap<string, number> | undefined {
  const newest = new Map<string, number>()
  for (const segment of segments)
    for (const page of pagesOf(segment)) {
      const buffer = bytesOf(segment, page)
      eachRecord(buffer, page.length, (from, _to, offset) => {
        const key = keyAt(buffer, from)
        if (key !== undefined) newest.set(key, offset)
      })
      if (newest.size > compactKeysMax) return undefined
    }
  return newest
}

/**
 * The segment without records that a newer one of their key replaces; offsets stay.
 *
 * @returns undefined where nothing is left of it.
 */
export function compactSegment(segment: Segment, newest: ReadonlyMap<string, number>): Segment | undefined {
  const kept: Buffer[] = []
  for (const page of pagesOf(segment)) keepNewest(bytesOf(segment, page), page.length, newest, kept)
  const bytes = Buffer.concat(kept)
  if (bytes.length === segment.bytes) return segment
  if (segment.path === undefined) return bytes.length === 0 ? undefined : inMemory(segment, bytes)
  if (bytes.length === 0) {
    rmSync(segment.path)
    return undefined
  }
  const part = `${segment.path}.part`
  const fd = openSync(part, 'w')
  try {
    for (let written = 0; written < bytes.length; ) written += writeSync(fd, bytes, written)
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
  renameSync(part, segment.path)
  return { ...segment, bytes: bytes.length, pages: undefined }
}

function inMemory(segment: Segment, buffer: Buffer): Segment {
  const { baseOffset, nextOffset, firstAppendTime } = segment
  const lastAppendTime = segment.pages?.at(-1)?.lastAppendTime ?? firstAppendTime
  const page = { position: 0, baseOffset, length: buffer.length, nextOffset, lastAppendTime, buffer }
  return { ...segment, bytes: buffer.length, pages: [page] }
}

/** Copies each unbroken run of records that stay, as a frame of its own. */
function keepNewest(buffer: Buffer, end: number, newest: ReadonlyMap<string, number>, kept: Buffer[]): void {
  let run: Buffer[] = []
  let runBase = 0
  let runHeader = 0
  const close = () => {
    if (run.length === 0) return
    const header = Buffer.from(buffer.subarray(runHeader, runHeader + frameHeaderBytes))
    header.writeDoubleLE(runBase, 8)
    header.writeUInt32LE(run.length, 24)
    const frame = Buffer.concat([header, ...run])
    sealFrame(frame, 0, frame.length)
    kept.push(frame)
    run = []
  }
  eachRecord(buffer, end, (from, to, offset, frameAt) => {
    const key = keyAt(buffer, from)
    const stays = key === undefined || newest.get(key) === offset
    if (!stays || frameAt !== runHeader) close()
    if (!stays) return
    if (run.length === 0) {
      runBase = offset
      runHeader = frameAt
    }
    run.push(buffer.subarray(from, to))
  })
  close()
}

function keyAt(buffer: Buffer, record: number): string | undefined {
  const length = buffer.readInt32LE(record)
  const from = record + recordHeaderBytes
  return length < 0 ? undefined : buffer.toString('latin1', from, from + length)
}

function eachRecord(
  buffer: Buffer,
  end: number,
  visit: (from: number, to: number, offset: number, frameAt: number) => void,
): void {
  for (let frameAt = 0; frameAt < end; ) {
    const base = frameBaseOffset(buffer, frameAt)
    const count = frameCount(buffer, frameAt)
    let at = frameAt + frameHeaderBytes
    for (let i = 0; i < count; i++) {
      const from = at
      const keyBytes = Math.max(0, buffer.readInt32LE(at))
      const valueBytes = Math.max(0, buffer.readInt32LE(at + 4))
      at += recordHeaderBytes + keyBytes + buffer.readUInt32LE(at + 8) + valueBytes
      visit(from, at, base + i, frameAt)
    }
    frameAt += frameBytes(buffer, frameAt, end)
  }
}
