import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { compressFrameSync, decompressFrameSync } from 'lz4-napi'
import { describe, expect, it } from 'vitest'
import { lz4Compress, lz4Decompress } from './lz4.ts'
import { createScratch } from './scratch.ts'

const megabyte = 1_048_576
/** Of no block, of one, of many; some that do not get smaller. */
const contents = fc
  .tuple(fc.uint8Array({ maxLength: 4_000 }), fc.integer({ min: 1, max: 100 }), fc.nat(3))
  .map(([part, times, noise]) =>
    Buffer.concat([...Array.from({ length: times }, () => part), randomBytes(noise * 40_000)]),
  )

/** Bytes that it unpacks to; 0 where it is refused with an error. */
function lengthOrRefusal(bytes: Buffer, bytesMax: number): number {
  try {
    return lz4Decompress(bytes, bytesMax).length
  } catch (error) {
    if (error instanceof Error) return 0
    throw error
  }
}

/** A frame of one block with another head. The head's checksum is the one that the library takes, if there is any. */
function framesWithHead(flags: number, extra: Buffer, content: Buffer): Buffer[] {
  const body = lz4Compress(content).subarray(7)
  return Array.from({ length: 256 }, (_, checksum) =>
    Buffer.concat([Buffer.of(0x04, 0x22, 0x4d, 0x18, flags, 0x40), extra, Buffer.of(checksum), body]),
  )
}
const sizeOf = (bytes: number): Buffer => {
  const size = Buffer.alloc(8)
  size.writeUInt32LE(bytes)
  return size
}

describe('of frames with other heads', () => {
  const content = Buffer.from('words again and again '.repeat(50))
  const version = 1 << 6
  const unpackedOf = (frames: Buffer[]): Buffer[] =>
    frames.flatMap((frame) => (lengthOrRefusal(frame, megabyte) === 0 ? [] : [lz4Decompress(frame, megabyte)]))

  it('unpacks one whose blocks hang together', () => {
    expect(unpackedOf(framesWithHead(version, Buffer.alloc(0), content))).toEqual([content])
  })

  it('unpacks one that says how long it is, and refuses one that says so wrongly', () => {
    const flags = version | (1 << 5) | (1 << 3)
    expect(unpackedOf(framesWithHead(flags, sizeOf(content.length), content))).toEqual([content])
    expect(unpackedOf(framesWithHead(flags, sizeOf(content.length - 1), content))).toEqual([])
  })

  it('refuses one that wants a dictionary', () => {
    expect(unpackedOf(framesWithHead(version | (1 << 5) | 1, Buffer.alloc(4), content))).toEqual([])
  })
})

it('packs what the library unpacks', () => {
  fc.assert(
    fc.property(contents, (bytes) => {
      expect(decompressFrameSync(lz4Compress(bytes)).equals(bytes)).toBe(true)
    }),
    { numRuns: 300 },
  )
})

describe.each([
  { who: 'the library', pack: (bytes: Buffer) => compressFrameSync(bytes) },
  {
    who: 'the library, with checksums',
    pack: (bytes: Buffer) => compressFrameSync(bytes, { contentChecksum: true, blockChecksums: true }),
  },
  { who: 'itself', pack: lz4Compress },
])('of what $who packed', ({ pack }) => {
  it('unpacks it, one frame or more, into new memory or old', () => {
    const scratch = createScratch()
    fc.assert(
      fc.property(contents, contents, (bytes, more) => {
        expect(lz4Decompress(pack(bytes), 32 * megabyte).equals(bytes)).toBe(true)
        const both = Buffer.concat([pack(bytes), pack(more)])
        expect(lz4Decompress(both, 32 * megabyte, scratch).equals(Buffer.concat([bytes, more]))).toBe(true)
      }),
      { numRuns: 300 },
    )
  })

  it('refuses what could unpack to more than it may', () => {
    const zeros = pack(Buffer.alloc(64 * megabyte))
    expect(zeros.length).toBeLessThan(megabyte)
    expect(lz4Decompress(zeros, 64 * megabyte).length).toBe(64 * megabyte)
    expect(() => lz4Decompress(zeros, 32 * megabyte)).toThrow(RangeError)
  })

  it('refuses what is no frame, or one that ends early, whatever is cut off', () => {
    const whole = pack(Buffer.from('the same words again and again, the same words again and again'))
    for (let length = 0; length < whole.length; length++)
      expect(() => lz4Decompress(whole.subarray(0, length), megabyte)).toThrow()
  })

  it('unpacks damaged bytes to something, or refuses them, and never to more than it may', () => {
    const whole = pack(Buffer.concat([Buffer.from('words again and again '.repeat(500)), randomBytes(500)]))
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.nat(255), (at, byte) => {
        const damaged = Buffer.from(whole)
        damaged[at] = byte
        expect(lengthOrRefusal(damaged, 65_536)).toBeLessThanOrEqual(65_536)
      }),
      { numRuns: 2_000 },
    )
  })
})
