import { crc32 } from 'node:zlib'
import type { OutgoingRecord } from '../../ports/broker.ts'

/**
 * One append of one partition, little-endian:
 * body length u32, CRC-32 of the body u32 | base offset f64, append time f64, count u32, records.
 * A record: key length i32 (-1 null), value length i32 (-1 null), headers length u32 | key, headers, value.
 */
export const frameHeaderBytes = 28
export const recordHeaderBytes = 12

/** No append is larger; a longer length in a file is damage. */
export const frameBytesMax = 64 * 1024 * 1024

export function recordBytes(record: OutgoingRecord): number {
  return recordHeaderBytes + lengthOf(record.key) + headersBytes(record.headers) + (record.value?.length ?? 0)
}

/** Writes a frame at `at`; the caller has made room for it. @returns Where it ends. */
export function writeFrame(
  buffer: Buffer,
  at: number,
  records: readonly OutgoingRecord[],
  baseOffset: number,
  appendTime: number,
): number {
  let end = at + frameHeaderBytes
  for (const record of records) end = writeRecord(buffer, end, record)
  buffer.writeDoubleLE(baseOffset, at + 8)
  buffer.writeDoubleLE(appendTime, at + 16)
  buffer.writeUInt32LE(records.length, at + 24)
  sealFrame(buffer, at, end)
  return end
}

/** Writes length and checksum of the frame whose body stands in `[at + 8, end)`. */
export function sealFrame(buffer: Buffer, at: number, end: number): void {
  buffer.writeUInt32LE(end - at - 8, at)
  buffer.writeUInt32LE(crc32(buffer.subarray(at + 8, end)), at + 4)
}

/** Length of the whole frame at `at`, or -1 where none that is whole and sound begins before `end`. */
export function soundFrameBytes(buffer: Buffer, at: number, end: number): number {
  const length = frameBytes(buffer, at, end)
  if (length < 0 || at + length > end) return -1
  return crc32(buffer.subarray(at + 8, at + length)) === buffer.readUInt32LE(at + 4) ? length : -1
}

/** Length that the header at `at` claims, or -1 where it cannot be one. */
export function frameBytes(buffer: Buffer, at: number, end: number): number {
  if (at + frameHeaderBytes > end) return -1
  const length = buffer.readUInt32LE(at) + 8
  return length < frameHeaderBytes || length > frameBytesMax ? -1 : length
}

export function frameBaseOffset(buffer: Buffer, at: number): number {
  return buffer.readDoubleLE(at + 8)
}

export function frameAppendTime(buffer: Buffer, at: number): number {
  return buffer.readDoubleLE(at + 16)
}

export function frameCount(buffer: Buffer, at: number): number {
  return buffer.readUInt32LE(at + 24)
}

/** Headers as they stand in `[from, to)`: name length u16, name, value length u32, value, and so on. */
export function readHeaders(buffer: Buffer, from: number, to: number): Record<string, string> {
  const headers: Record<string, string> = {}
  for (let at = from; at < to; ) {
    const nameEnd = at + 2 + buffer.readUInt16LE(at)
    const valueEnd = nameEnd + 4 + buffer.readUInt32LE(nameEnd)
    headers[buffer.toString('utf8', at + 2, nameEnd)] = buffer.toString('utf8', nameEnd + 4, valueEnd)
    at = valueEnd
  }
  return headers
}

function writeRecord(buffer: Buffer, at: number, record: OutgoingRecord): number {
  const { key, value } = record
  let end = at + recordHeaderBytes
  if (typeof key === 'string') end += buffer.write(key, end)
  else if (key !== null) {
    buffer.set(key, end)
    end += key.length
  }
  buffer.writeInt32LE(key === null ? -1 : end - at - recordHeaderBytes, at)
  buffer.writeInt32LE(value === null ? -1 : value.length, at + 4)
  const headersAt = end
  if (record.headers !== undefined) end = writeHeaders(buffer, end, record.headers)
  buffer.writeUInt32LE(end - headersAt, at + 8)
  if (value !== null) {
    buffer.set(value, end)
    end += value.length
  }
  return end
}

function writeHeaders(buffer: Buffer, at: number, headers: Readonly<Record<string, string>>): number {
  let end = at
  for (const [name, value] of Object.entries(headers)) {
    const nameBytes = buffer.write(name, end + 2)
    buffer.writeUInt16LE(nameBytes, end)
    end += 2 + nameBytes
    const valueBytes = buffer.write(value, end + 4)
    buffer.writeUInt32LE(valueBytes, end)
    end += 4 + valueBytes
  }
  return end
}

function lengthOf(key: Uint8Array | string | null): number {
  if (key === null) return 0
  return typeof key === 'string' ? Buffer.byteLength(key) : key.length
}

function headersBytes(headers: Readonly<Record<string, string>> | undefined): number {
  if (headers === undefined) return 0
  let bytes = 0
  for (const [name, value] of Object.entries(headers)) bytes += 6 + Buffer.byteLength(name) + Buffer.byteLength(value)
  return bytes
}
