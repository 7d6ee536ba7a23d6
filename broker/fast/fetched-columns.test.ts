import { expect, it } from 'vitest'
import type { Decoded } from '../../schemas/framed-decoder.ts'
import type { PlacedRecord, RecordBatch } from '../../schemas/record-batch.ts'
import { createRecordBatchDecoder } from '../../schemas/record-batch-decoder.ts'
import { BatchWriter } from '../wire/batch-writer.ts'
import { batchField } from '../wire/record-batch.ts'
import { createFetchedColumns } from './fetched-columns.ts'

const times = 200

/** A batch of one record that LZ4 made smaller. */
function batchOf(value: Buffer, offset: number): Buffer {
  const writer = new BatchWriter()
  writer.add({ key: null, value })
  const batch = writer.take(0)
  batch.writeBigInt64BE(BigInt(offset), batchField.baseOffset)
  expect(batch.length).toBeLessThan(value.length)
  return batch
}

/** Records as they stand when all of `values` are taken. */
async function taken(values: readonly Buffer[], decode: (value: Uint8Array) => Decoded<Uint8Array>) {
  const records: PlacedRecord<Uint8Array>[] = []
  const payloads: Uint8Array[] = []
  let offset = 0
  const fetched = createFetchedColumns<RecordBatch<Uint8Array>>(
    {
      topic: 'records',
      decoder: createRecordBatchDecoder<Uint8Array>({
        decode: (value) => decode(value ?? Buffer.alloc(0)),
        resolveSchema: async () => undefined,
      }),
      handler: {
        assigned: async () => new Map(),
        revoked: async () => undefined,
        failed: () => undefined,
        batch(batch) {
          records.push(...batch.records)
          payloads.push(...batch.refused.map(({ payload }) => payload))
          return undefined
        },
      },
    },
    async () => undefined,
  )
  // One fetch each: a batch that is unpacked later must leave what was taken before as it was.
  for (const [i, value] of values.entries()) {
    await fetched({
      ...{
        partition: 0,
        offset,
        bytes: batchOf(value, i),
        aborted: [],
        signal: new AbortController().signal,
        live: () => true,
      },
      advance(nextOffset) {
        offset = nextOffset
      },
      refetch: () => expect.unreachable('nothing is damaged'),
    })
  }
  return { records: records.map(({ value }) => Buffer.from(value).toString()), payloads }
}

const words = ['one ', 'two ', 'six '].map((word) => Buffer.from(word.repeat(times)))
const texts = words.map(String)

it('values that point into a batch stay as they were when the next one is unpacked', async () => {
  const { records } = await taken(words, (value) => ({ status: 'value', value }))
  expect(records).toEqual(texts)
})

it('so does what is kept of a refused record', async () => {
  const { payloads } = await taken(words, () => ({ status: 'bad', detail: 'it is refused' }))
  expect(payloads.map((payload) => Buffer.from(payload).toString())).toEqual(texts)
})
