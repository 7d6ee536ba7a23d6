import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { snappyDecompress, snappyStore } from './snappy.ts'

const megabyte = 1_048_576

describe('snappy', () => {
  it.each([
    { name: 'a literal', packed: [5, 4 << 2, 1, 2, 3, 4, 5], bytes: [1, 2, 3, 4, 5] },
    { name: 'a copy that overlaps itself', packed: [9, 0, 7, (1 << 0) | (4 << 2), 1], bytes: Array(9).fill(7) },
    {
      name: 'a copy with a two-byte offset',
      packed: [6, 2 << 2, 1, 2, 3, (2 << 2) | 2, 3, 0],
      bytes: [1, 2, 3, 1, 2, 3],
    },
    { name: 'nothing', packed: [0], bytes: [] },
  ])('unpacks $name', ({ packed, bytes }) => {
    expect([...snappyDecompress(Buffer.from(packed), megabyte)]).toEqual(bytes)
  })

  it.each([
    { name: 'a copy from before the start', packed: [4, (0 << 2) | 1, 1] },
    { name: 'a literal past the end', packed: [5, 4 << 2, 1, 2] },
    { name: 'too little', packed: [5, 0, 1] },
  ])('refuses $name', ({ packed }) => {
    expect(() => snappyDecompress(Buffer.from(packed), megabyte)).toThrow(RangeError)
  })

  it('unpacks what it stored, bare and in the framing of Java', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200_000 }), (bytes) => {
        const stored = snappyStore(Buffer.from(bytes))
        const header = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0, 0, 0, 0, 1, 0, 0, 0, 1])
        const length = Buffer.alloc(4)
        length.writeUInt32BE(stored.length)
        expect(snappyDecompress(stored, megabyte).equals(bytes)).toBe(true)
        expect(snappyDecompress(Buffer.concat([header, length, stored]), megabyte).equals(bytes)).toBe(true)
      }),
      { numRuns: 30 },
    )
  })
})
