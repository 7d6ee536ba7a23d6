import { gunzipSync, zstdDecompressSync } from 'node:zlib'
import { lz4Decompress } from './lz4.ts'
import type { Scratch } from './scratch.ts'
import { snappyDecompress } from './snappy.ts'

/** A batch holds at most this many bytes when it is unpacked. */
const unpackedBytesMax = 256 * 1024 * 1024

/** Codes in a batch's attributes. */
export const codecOf = { none: 0, gzip: 1, snappy: 2, lz4: 3, zstd: 4 } as const

/** By their codes. */
const codecs: readonly ((bytes: Buffer, scratch?: Scratch) => Buffer)[] = [
  (bytes) => bytes,
  (bytes) => gunzipSync(bytes, { maxOutputLength: unpackedBytesMax }),
  (bytes) => snappyDecompress(bytes, unpackedBytesMax),
  (bytes, scratch) => lz4Decompress(bytes, unpackedBytesMax, scratch),
  (bytes) => zstdDecompressSync(bytes, { maxOutputLength: unpackedBytesMax }),
]

/**
 * @param scratch Where the bytes may be put; they are good until it is used again.
 * @throws {Error} Where the bytes are not what the codec packs, or no codec has this code.
 */
export function unpack(codec: number, bytes: Buffer, scratch?: Scratch): Buffer {
  const decompress = codecs[codec]
  if (decompress === undefined) throw new RangeError(`no codec has the code ${codec}`)
  return decompress(bytes, scratch)
}
