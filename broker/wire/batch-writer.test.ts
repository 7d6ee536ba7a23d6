import { Reader, readRecordsBatch } from '@platformatic/kafka'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { propertyRuns } from '../../test/property-runs.ts'
import { fillColumns } from '../column-fill.ts'
import { BatchWriter } from './batch-writer.ts'
import { FetchedCursor } from './fetched-cursor.ts'
import { createLogDecoder } from './log-decoder.ts'
import { batchField } from './record-batch.ts'

const time = 1_790_000_000_000
const bytes = fc.uint8Array({ maxLength: 400 })
const names = fc.string({ minLength: 1, maxLength: 200, unit: 'grapheme' })

const records = fc.array(
  fc.record(
    {
      key: fc.oneof(fc.constant(null), names, bytes),
      value: fc.option(bytes),
      headers: fc.dictionary(names, names, { maxKeys: 3, noNullPrototype: true }),
    },
    { requiredKeys: ['key', 'value'] },
  ),
  { minLength: 1, maxLength: 80 },
)

const textOf = (field: Uint8Array | string | null | undefined): string | null =>
  field === null || field === undefined ? null : Buffer.from(field as string).toString('hex')

// Goal: another client and our own cursor read what was written.
// Method: random records, twice through one writer, so that what a batch leaves behind would show.
it('writes batches that another client and the cursor read', () => {
  const writer = new BatchWriter()
  fc.assert(
    fc.property(records, fc.boolean(), (list, isTransactional) => {
      for (const record of list) writer.add(record)
      expect(writer.count).toBe(list.length)
      const batch = writer.take(time, { producerId: 77n, epoch: 3, sequence: 500, isTransactional })
      expect(writer.count).toBe(0)

      const theirs = readRecordsBatch(Reader.from(batch))
      expect(theirs).toMatchObject({
        producerId: 77n,
        producerEpoch: 3,
        firstSequence: 500,
        lastOffsetDelta: list.length - 1,
      })
      expect((theirs.attributes & 16) !== 0).toBe(isTransactional)
      expect(
        theirs.records.map(({ key, value, headers, offsetDelta, timestampDelta }) => ({
          ...{ key: textOf(key), value: textOf(value), offsetDelta, timestampDelta },
          headers: headers.map(([name, text]) => [textOf(name), textOf(text)]),
        })),
      ).toEqual(
        list.map(({ key, value, headers = {} }, i) => ({
          ...{ key: textOf(key), value: textOf(value), offsetDelta: i, timestampDelta: 0n },
          headers: Object.entries(headers).map(([name, text]) => [textOf(name), textOf(text)]),
        })),
      )

      const { decoder, seen } = createLogDecoder(true)
      fillColumns(new FetchedCursor({ bytes: batch, from: 0, to: batch.length }, 0), decoder)
      expect(seen.map(({ value, offset, appendTime }) => ({ value, offset, appendTime }))).toEqual(
        list.map(({ value }, offset) => ({ value: textOf(value), offset, appendTime: time })),
      )
    }),
    propertyRuns(200),
  )
})

it('packs what LZ4 makes smaller, and nothing else', () => {
  const writer = new BatchWriter()
  const sizeOf = (value: Uint8Array): [number, number] => {
    writer.add({ key: null, value })
    const plain = writer.size
    const batch = writer.take(time)
    return [batch.length - plain, batch.readInt16BE(batchField.attributes) & 7]
  }
  expect(sizeOf(Buffer.alloc(1_000_000, 'candle'))[0]).toBeLessThan(-900_000)
  expect(sizeOf(Buffer.alloc(1_000_000, 'candle'))[1]).toBe(3)
  expect(sizeOf(Buffer.from('x'))).toEqual([0, 0])
})
