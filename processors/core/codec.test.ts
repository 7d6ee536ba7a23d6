import { describe, expect, it } from 'vitest'
import { createByteReader, createByteWriter } from './byte-buffer.ts'
import { type Codec, jsonCodec, numberCodec, textCodec } from './codec.ts'

function again<T>(codec: Codec<T>, value: T): T {
  const writer = createByteWriter()
  codec.write(writer, value)
  return codec.read(createByteReader(writer.finish()))
}

describe('a codec gives back what was written', () => {
  it.each([0, -0, 0.1, Number.NaN, Number.NEGATIVE_INFINITY])('the number %s', (value) => {
    expect(again(numberCodec, value)).toBe(value)
  })
  it.each(['', 'ü 𝄞', 'x'.repeat(32), 'x'.repeat(33), 'x'.repeat(200), `${'x'.repeat(31)}ü`])(
    'the text %s',
    (value) => {
      expect(again(textCodec, value)).toBe(value)
    },
  )
  it.each([null, { a: [1, 'x', false] }])('the JSON %j', (value) => {
    expect(again(jsonCodec<unknown>(), value)).toEqual(value)
  })
})

it('what has no JSON is refused', () => {
  expect(() => again(jsonCodec<unknown>(), undefined)).toThrow(expect.objectContaining({ code: 'BAD_STATE_VALUE' }))
})
