import { crc32c, createRecordsBatch } from '@platformatic/kafka'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { propertyRuns } from '../../test/property-runs.ts'
import { fillColumns } from '../column-fill.ts'
import { type AbortedTransaction, BadBatchError, FetchedCursor } from './fetched-cursor.ts'
import { createLogDecoder, type LoggedRecord } from './log-decoder.ts'
import { attribute, batchField } from './record-batch.ts'

const appendTime = 1_790_000_000_000
const compressions = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const
const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array))
const header = fc.record({ name: fc.constantFrom('redwick', 'trace', 'ä'), text: fc.string({ maxLength: 10 }) })

const recordOf = fc.record({
  key: fc.option(bytes, { freq: 3 }),
  value: fc.option(bytes, { freq: 9 }),
  headers: fc.uniqueArray(header, { maxLength: 2, selector: ({ name }) => name }),
  isPlain: fc.boolean(),
})

const batchOf = fc.record({
  records: fc.array(recordOf, { minLength: 1, maxLength: 12 }),
  compression: fc.constantFrom(...compressions),
  isLogAppendTime: fc.boolean(),
  /** Records that compaction took from the end. */
  gap: fc.nat({ max: 3 }),
  /** Of a transaction: kept, aborted, or none. */
  transaction: fc.constantFrom('none', 'none', 'kept', 'aborted'),
  /** The transaction's end stands behind it. */
  hasMarker: fc.boolean(),
  producerId: fc.integer({ min: 1, max: 2 }),
})
type BatchDraw = typeof batchOf extends fc.Arbitrary<infer T> ? T : never

/** Changes a batch's header and makes its checksum fit. */
function sealed(batch: Buffer, change: (batch: Buffer) => void): Buffer {
  change(batch)
  batch.writeUInt32BE(crc32c(batch.subarray(batchField.attributes)), batchField.crc)
  return batch
}

const written = { sequences: { getWithDefault: () => 0 }, producerId: -1n, producerEpoch: -1, partitionLeaderEpoch: 0 }

/** Batches as another client writes them, with what the cursor should make of them. */
function logOf(draws: readonly BatchDraw[], from: number) {
  const parts: Buffer[] = []
  /** Where each part ends, in bytes, and the offset after it. */
  const ends: { readonly bytes: number; readonly next: number }[] = []
  const add = (part: Buffer, next: number): void => {
    parts.push(part)
    ends.push({ bytes: (ends.at(-1)?.bytes ?? 0) + part.length, next })
  }
  const expected: LoggedRecord[] = []
  const aborted: AbortedTransaction[] = []
  /** By producer: how its transaction, which is open, will end. */
  const open = new Map<number, 'kept' | 'aborted'>()
  let offset = from
  for (const draw of draws) {
    const { compression, producerId, isLogAppendTime } = draw
    const isTransactional = draw.transaction !== 'none'
    const fate = open.get(producerId) ?? draw.transaction
    if (isTransactional && !open.has(producerId)) {
      open.set(producerId, draw.transaction === 'aborted' ? 'aborted' : 'kept')
      if (draw.transaction === 'aborted') aborted.push({ producerId: BigInt(producerId), firstOffset: BigInt(offset) })
    }
    const messages = draw.records.map(({ key, value, headers, isPlain }, i) => ({
      ...{ topic: 't', timestamp: BigInt(appendTime + i) },
      ...(isPlain || key === null ? {} : { key }),
      ...(value === null ? {} : { value }),
      headers: new Map(isPlain ? [] : headers.map(({ name, text }) => [Buffer.from(name), Buffer.from(text)])),
    }))
    const made = Buffer.from(createRecordsBatch(messages as never, { ...written, compression } as never).buffer)
    const last = offset + messages.length - 1 + draw.gap
    add(
      sealed(made, (batch) => {
        batch.writeBigInt64BE(BigInt(offset), batchField.baseOffset)
        batch.writeBigInt64BE(BigInt(producerId), batchField.producerId)
        batch.writeInt32BE(last - offset, batchField.lastOffsetDelta)
        const flags = (isTransactional ? attribute.transactional : 0) | (isLogAppendTime ? attribute.logAppendTime : 0)
        batch.writeInt16BE((batch.readInt16BE(batchField.attributes) & attribute.codec) | flags, batchField.attributes)
      }),
      last + 1,
    )
    if (!(isTransactional && fate === 'aborted'))
      expected.push(
        ...draw.records.map(({ value, headers, isPlain }, i) => {
          const kind = isPlain ? undefined : new Map(headers.map(({ name, text }) => [name, text])).get('redwick')
          const time = isLogAppendTime ? appendTime + messages.length - 1 : appendTime + i
          return { offset: offset + i, value: value?.toString('hex') ?? null, appendTime: time, kind }
        }),
      )
    offset = last + 1
    if (!isTransactional || !draw.hasMarker) continue
    add(markerOf(offset, producerId, open.get(producerId) === 'aborted'), offset + 1)
    open.delete(producerId)
    offset += 1
  }
  return { bytes: Buffer.concat(parts), ends, expected, aborted, end: offset }
}

function markerOf(offset: number, producerId: number, isAbort: boolean): Buffer {
  const key = Buffer.from([0, 0, 0, isAbort ? 0 : 1])
  const message = { topic: 't', key, value: Buffer.alloc(6), timestamp: BigInt(appendTime) }
  const made = Buffer.from(createRecordsBatch([message], { ...written, compression: 'none' } as never).buffer)
  return sealed(made, (batch) => {
    batch.writeBigInt64BE(BigInt(offset), batchField.baseOffset)
    batch.writeBigInt64BE(BigInt(producerId), batchField.producerId)
    batch.writeInt16BE(attribute.transactional | attribute.control, batchField.attributes)
  })
}

function readAll(cursor: FetchedCursor, byRuns: boolean): LoggedRecord[] {
  const { decoder, seen } = createLogDecoder(byRuns)
  fillColumns(cursor, decoder)
  return seen
}

// Goal: what another client's encoder wrote is read as it was, whatever stands between the records.
// Method: random batches of every codec, with headers, nulls, gaps, transactions that are kept, aborted or left open.
it('reads what another client wrote, by runs and one by one, from any offset', () => {
  fc.assert(
    fc.property(
      fc.array(batchOf, { minLength: 1, maxLength: 6 }),
      fc.nat(),
      fc.nat({ max: 9 }),
      (draws, at, before) => {
        const { bytes: log, expected, aborted, end } = logOf(draws, 100)
        const wanted = 100 + (at % (end - 100))
        const placed = Buffer.concat([Buffer.alloc(before, 0xff), log, Buffer.alloc(3, 0xff)])
        for (const byRuns of [true, false]) {
          const cursor = new FetchedCursor({ bytes: placed, from: before, to: before + log.length, aborted }, wanted)
          expect(readAll(cursor, byRuns)).toEqual(expected.filter(({ offset }) => offset >= wanted))
          expect(cursor.offset).toBe(end)
        }
      },
    ),
    propertyRuns(200),
  )
})

it('reads whole batches of what is cut anywhere, and goes on where they end', () => {
  fc.assert(
    fc.property(fc.array(batchOf, { minLength: 1, maxLength: 4 }), fc.nat(), (draws, place) => {
      const { bytes: log, ends, expected, aborted } = logOf(draws, 0)
      const to = place % (log.length + 1)
      const next = ends.findLast(({ bytes }) => bytes <= to)?.next ?? 0
      const cursor = new FetchedCursor({ bytes: log, from: 0, to, aborted }, 0)
      expect(readAll(cursor, true)).toEqual(expected.filter(({ offset }) => offset < next))
      expect(cursor.offset).toBe(next)
    }),
    propertyRuns(200),
  )
})

it('tells a changed byte, wherever the checksum covers it', () => {
  fc.assert(
    fc.property(batchOf, fc.nat(), fc.integer({ min: 1, max: 255 }), (draw, place, change) => {
      const { bytes: log } = logOf([{ ...draw, transaction: 'none' }], 0)
      const at = batchField.magic + (place % (log.length - batchField.magic))
      log[at] = (log[at] ?? 0) ^ change
      const cursor = new FetchedCursor({ bytes: log, from: 0, to: log.length }, 0)
      for (let i = 0; i < 2; i++) expect(() => readAll(cursor, true)).toThrow(BadBatchError)
    }),
    propertyRuns(200),
  )
})

it('tells a record that passes its batch, which a checksum may fit', () => {
  fc.assert(
    fc.property(batchOf, fc.nat(), fc.integer({ min: 1, max: 255 }), (draw, place, change) => {
      const { bytes: log, expected } = logOf([{ ...draw, compression: 'none', transaction: 'none' }], 0)
      const at = batchField.records + (place % (log.length - batchField.records))
      sealed(log, () => {
        log[at] = (log[at] ?? 0) ^ change
      })
      const cursor = new FetchedCursor({ bytes: Buffer.concat([log, Buffer.alloc(40, 1)]), from: 0, to: log.length }, 0)
      try {
        expect(readAll(cursor, true).length).toBeLessThanOrEqual(expected.length)
      } catch (error) {
        expect(error).toBeInstanceOf(BadBatchError)
      }
    }),
    propertyRuns(500),
  )
})
