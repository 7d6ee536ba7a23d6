import fc from 'fast-check'
import { expect, it } from 'vitest'
import { createInternCache } from './intern-cache.ts'
import { Interner } from './interner.ts'

it('an intern cache gives the ids that the interner gives', () => {
  const near = fc
    .tuple(fc.constantFrom('AAAA', 'AAAABBBB', 'AAAABBBBC'), fc.string({ maxLength: 30 }))
    .map((parts) => parts.join(''))
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.string({ maxLength: 40, unit: 'binary' }), near), { maxLength: 200 }), (names) => {
      const [plain, cached] = [new Interner(), new Interner()]
      const intern = createInternCache(cached)
      for (const name of [...names, ...names]) {
        const bytes = Buffer.concat([Buffer.from('xyz'), Buffer.from(name), Buffer.from('xyz')])
        const view = new DataView(bytes.buffer)
        const to = bytes.length - 3
        expect(intern(bytes, view, bytes.byteOffset, 3, to)).toBe(plain.intern(bytes, 3, to))
      }
      expect(cached.names).toEqual(plain.names)
    }),
  )
})

it('an intern cache says -1 for a name that did not fit, each time', () => {
  const intern = createInternCache(new Interner(1))
  const bytes = Buffer.from('ABCDEFGH')
  const view = new DataView(bytes.buffer)
  const first = () => intern(bytes, view, bytes.byteOffset, 0, 4)
  const second = () => intern(bytes, view, bytes.byteOffset, 4, 8)
  expect([first(), second(), second(), first()]).toEqual([0, -1, -1, 0])
})

it('distinct names of one length and equal ends stay distinct', () => {
  const interner = new Interner()
  const intern = createInternCache(interner)
  for (let round = 0; round < 2; round++)
    for (let i = 0; i < 20_000; i++) {
      const bytes = Buffer.from(`BTC-${String(i).padStart(8, '0')}-USD`)
      expect(intern(bytes, new DataView(bytes.buffer), bytes.byteOffset, 0, bytes.length)).toBe(i)
    }
})
