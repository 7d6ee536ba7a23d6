import { expect, it } from 'vitest'
import { hashId } from './hash-id.ts'

// Stored trade ids depend on these: a change of the hash would make every replayed trade a new one.
it.each([
  ['', 8_580_636_064_248_509],
  ['20131007-1', 6_959_056_007_891_172],
  ['é|x', 1_985_415_667_253_299],
])('the number of %j stays what it is', (text, value) => {
  expect(hashId(text)).toBe(value)
})

it('200,000 neighbouring texts have numbers of their own, safe and positive', () => {
  const seen = new Set<number>()
  for (let i = 0; i < 200_000; i++) seen.add(hashId(`20131007-${i}`))
  expect(seen.size).toBe(200_000)
  expect([...seen].every((value) => Number.isSafeInteger(value) && value > 0)).toBe(true)
})
