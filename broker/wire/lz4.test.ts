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
        try {
          expect(lz4Decompress(damaged, 65_536).length).toBeLessThanOrEqual(65_536)
        } catch (error) {
          expect(error).toBeInstanceOf(Error)
        }
      }),
      { numRuns: 2_000 },
    )
  })
})
