import { decompressFrameSync } from 'lz4-napi'

const frameMagic = 0x184d2204
/** By the code in a frame's descriptor. */
const blockBytesMax: readonly (number | undefined)[] = [
  undefined,
  undefined,
  undefined,
  undefined,
  65_536,
  262_144,
  1_048_576,
  4_194_304,
]
const flag = { blockChecksum: 1 << 4, contentSize: 1 << 3, contentChecksum: 1 << 2, dictionary: 1 }
/** Magic number, flags, descriptor, and the checksum of the header. */
const headerBytes = 7
const storedBit = 0x8000_0000
/** No byte of LZ4 stands for more. */
const ratioMax = 255

/**
 * Unpacks LZ4 frames.
 *
 * @see https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md
 * @throws {Error} When the bytes are no such frames, or could unpack to more than `bytesMax`.
 */
export function lz4Decompress(bytes: Buffer, bytesMax: number): Buffer {
  const most = unpacksToAtMost(bytes)
  if (most > bytesMax) throw new RangeError(`LZ4 frames unpack to at most ${bytesMax} bytes, was up to ${most}`)
  return decompressFrameSync(bytes)
}

/** By the sizes of the blocks, without looking into them. */
function unpacksToAtMost(bytes: Buffer): number {
  let [most, at] = [0, 0]
  do {
    if (bytes.readUInt32LE(at) !== frameMagic) throw new RangeError('an LZ4 frame begins with its magic number')
    const flags = bytes.readUInt8(at + 4)
    const blockMax = blockBytesMax[(bytes.readUInt8(at + 5) >> 4) & 7]
    if (blockMax === undefined) throw new RangeError('an LZ4 frame names no size of its blocks')
    at += headerBytes + (flags & flag.contentSize ? 8 : 0) + (flags & flag.dictionary ? 4 : 0)
    for (;;) {
      const word = bytes.readUInt32LE(at)
      at += 4
      if (word === 0) break
      const size = word >= storedBit ? word - storedBit : word
      most += Math.min(blockMax, word >= storedBit ? size : ratioMax * size)
      at += size + (flags & flag.blockChecksum ? 4 : 0)
    }
    if (flags & flag.contentChecksum) at += 4
  } while (at < bytes.length)
  if (at > bytes.length) throw new RangeError('an LZ4 frame is whole')
  return most
}
