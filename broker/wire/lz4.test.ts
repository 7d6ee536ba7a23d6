import fc from 'fast-check'
import { compressFrameSync } from 'lz4-napi'
import { expect, it } from 'vitest'
import { lz4Decompress } from './lz4.ts'

const megabyte = 1_048_576

it('unpacks what was packed, and refuses what could unpack to more than it may', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 4_000 }), fc.integer({ min: 1, max: 100 }), (part, times) => {
      const bytes = Buffer.concat(Array.from({ length: times }, () => part))
      expect(lz4Decompress(compressFrameSync(bytes), 4 * megabyte).equals(bytes)).toBe(true)
    }),
  )
  const zeros = compressFrameSync(Buffer.alloc(64 * megabyte))
  expect(zeros.length).toBeLessThan(megabyte)
  expect(lz4Decompress(zeros, 64 * megabyte).length).toBe(64 * megabyte)
  expect(() => lz4Decompress(zeros, 32 * megabyte)).toThrow(RangeError)
})

it('refuses what is no frame, or one that ends early, whatever is cut off', () => {
  const whole = compressFrameSync(Buffer.from('the same words again and again, the same words again and again'))
  for (let length = 0; length < whole.length; length++)
    expect(() => lz4Decompress(whole.subarray(0, length), megabyte)).toThrow()
})
