import { gunzipSync, zstdDecompressSync } from 'node:zlib'
import { decompressFrameSync } from 'lz4-napi'
import { snappyDecompress } from './snappy.ts'

/** A batch holds at most this many bytes when it is unpacked. */
const unpackedBytesMax = 256 * 1024 * 1024

/** By the code in a batch's attributes. */
const codecs: readonly ((bytes: Buffer) => Buffer)[] = [
  (bytes) => bytes,
  (bytes) => gunzipSync(bytes, { maxOutputLength: unpackedBytesMax }),
  (bytes) => snappyDecompress(bytes),
  (bytes) => decompressFrameSync(bytes),
  (bytes) => zstdDecompressSync(bytes, { maxOutputLength: unpackedBytesMax }),
]

/** @throws {Error} Where the bytes are not what the codec packs, or no codec has this code. */
export function unpack(codec: number, bytes: Buffer): Buffer {
  const decompress = codecs[codec]
  if (decompress === undefined) throw new RangeError(`no codec has the code ${codec}`)
  return decompress(bytes)
}
