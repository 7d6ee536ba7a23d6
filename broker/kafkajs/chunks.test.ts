import fc from 'fast-check'
import { expect, it } from 'vitest'
import { chunkBytesMax, chunksOf } from './chunks.ts'

const record = (size: number, partition = 0) => ({ partition, key: 'k', value: new Uint8Array(size) })

it('records keep their order, and no chunk of more than one is larger than the bound', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 200_000 }), { maxLength: 60 }), (sizes) => {
      const records = sizes.map((size) => record(size))
      const chunks = chunksOf(records)
      expect(chunks.flat()).toEqual(records)
      for (const chunk of chunks) {
        const bytes = chunk.reduce((sum, { value }) => sum + (value?.length ?? 0), 0)
        expect(chunk.length === 1 || bytes <= chunkBytesMax).toBe(true)
      }
    }),
  )
})

it('a record larger than the bound stands alone', () => {
  expect(chunksOf([record(10), record(chunkBytesMax + 1), record(10)]).map((chunk) => chunk.length)).toEqual([1, 1, 1])
})
