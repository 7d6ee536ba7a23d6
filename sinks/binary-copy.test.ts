import fc from 'fast-check'
import { expect, it } from 'vitest'
import { createCopyWriter } from './binary-copy.ts'

const hex = (write: (out: ReturnType<typeof createCopyWriter>) => void): string => {
  const out = createCopyWriter()
  out.start()
  write(out)
  const whole = out.finish().toString('hex')
  return whole.slice(head.length, -'ffff'.length)
}
const head = `${Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1').toString('hex')}${'0'.repeat(16)}`

it.each([
  { name: 'a row', write: (out) => out.row(3), bytes: '0003' },
  { name: 'nulls', write: (out) => out.nulls(2), bytes: 'ffffffffffffffff' },
  { name: 'int2', write: (out) => out.int16(-2), bytes: '00000002fffe' },
  { name: 'int4', write: (out) => out.int32(-1), bytes: '00000004ffffffff' },
  { name: 'int8', write: (out) => out.int64(-1), bytes: '00000008ffffffffffffffff' },
  { name: 'float8', write: (out) => out.float64(1), bytes: '000000083ff0000000000000' },
  { name: 'a boolean', write: (out) => out.bool(true), bytes: '0000000101' },
  { name: '2000-01-01', write: (out) => out.time(946_684_800_000), bytes: '000000080000000000000000' },
  { name: '1 ms before it', write: (out) => out.time(946_684_799_999), bytes: '00000008fffffffffffffc18' },
  { name: 'text in UTF-8', write: (out) => out.text('aé'), bytes: '0000000361c3a9' },
  { name: 'bytes', write: (out) => out.bytes(new Uint8Array([255])), bytes: '00000001ff' },
] satisfies { name: string; write: (out: ReturnType<typeof createCopyWriter>) => void; bytes: string }[])(
  'writes $name as PostgreSQL reads it',
  ({ write, bytes }) => {
    expect(hex(write)).toBe(bytes)
  },
)

it('writes every safe integer and every time exactly', () => {
  fc.assert(
    fc.property(fc.maxSafeInteger(), fc.integer({ min: -8.64e15, max: 8.64e15 }), (integer, time) => {
      const written = Buffer.from(
        hex((out) => {
          out.int64(integer)
          out.time(time)
        }),
        'hex',
      )
      expect(written.readBigInt64BE(4)).toBe(BigInt(integer))
      expect(written.readBigInt64BE(16)).toBe((BigInt(time) - 946_684_800_000n) * 1000n)
    }),
  )
})

it('grows as it must and begins anew', () => {
  const out = createCopyWriter(1)
  out.start()
  out.bytes(new Uint8Array(100_000))
  out.text('x'.repeat(100_000))
  expect(out.finish().length).toBe(19 + 100_004 * 2 + 2)
  out.start()
  expect(out.finish().toString('hex')).toBe(`${head}ffff`)
})

it('writes the same into memory that grows in any field', () => {
  const write = (capacity: number): Buffer => {
    const out = createCopyWriter(capacity)
    out.start()
    for (let i = 0; i < 300; i++) {
      out.row(9)
      out.text('é'.repeat(i % 7))
      out.int16(i)
      out.int32(i * 1000)
      out.int64(i * 2 ** 40)
      out.float64(i / 3)
      out.bool(i % 2 === 0)
      out.time(i * 60_000)
      out.nulls(i % 3)
      out.bytes(new Uint8Array(i % 11).fill(i))
    }
    return Buffer.from(out.finish())
  }
  const whole = write(1_048_576)
  // Each capacity has its own places where it is full.
  for (let capacity = 64; capacity < 264; capacity++) expect(write(capacity).equals(whole)).toBe(true)
})

it('refuses what does not fit an int2 or an int4', () => {
  const out = createCopyWriter()
  for (const value of [32_768, -32_769, 0.5, Number.NaN]) expect(() => out.int16(value)).toThrow(/int2/)
  for (const value of [2 ** 31, -(2 ** 31) - 1, 0.5, Number.NaN]) expect(() => out.int32(value)).toThrow(/int4/)
})

it.each([0.5, Number.NaN, 2 ** 53])('refuses %d as an integer', (value) => {
  const out = createCopyWriter()
  expect(() => out.int64(value)).toThrow(/safe/)
  expect(() => out.time(value)).toThrow(/time/)
})
