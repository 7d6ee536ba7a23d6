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

it.each([0.5, Number.NaN, 2 ** 53])('refuses %d as an integer', (value) => {
  const out = createCopyWriter()
  expect(() => out.int64(value)).toThrow(/safe/)
  expect(() => out.time(value)).toThrow(/time/)
})
