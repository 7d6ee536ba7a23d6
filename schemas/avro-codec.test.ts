import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { propertyRuns } from '../test/property-runs.ts'
import { createRecordDecoder, createRecordEncoder } from './avro-codec.ts'
import type { RecordOf } from './avro-type.ts'
import { type Tick, tickAvro } from './tick.ts'
import { createTickEncoder } from './tick-encoder.ts'

const runs = propertyRuns(200)

const visit = {
  type: 'record',
  name: 'Visit',
  fields: [
    { name: 'user', type: 'string' },
    { name: 'at', type: { type: 'long', logicalType: 'timestamp-millis' } },
    { name: 'page', type: ['null', 'string'], default: null },
    { name: 'referrer', type: ['null', { type: 'record', name: 'Link', fields: [{ name: 'url', type: 'string' }] }] },
    { name: 'score', type: ['null', 'double'] },
    { name: 'left', type: ['null', 'long'] },
    { name: 'device', type: { type: 'enum', name: 'Device', symbols: ['phone', 'desk'] } },
    { name: 'tags', type: { type: 'array', items: 'string' } },
    { name: 'counts', type: { type: 'map', values: 'int' } },
    { name: 'raw', type: 'bytes' },
    { name: 'isBot', type: 'boolean' },
  ],
} as const
type Visit = RecordOf<typeof visit>

const aVisit: Visit = {
  ...{ user: 'ann', at: 1_767_225_600_000, page: '/', referrer: { url: 'x' }, score: 0.5, left: null },
  ...{ device: 'desk', tags: ['a', 'b'], counts: { a: 1 }, raw: Buffer.from([1, 2]), isBot: false },
}

async function decoderOf<const S extends object>(reader: S, writer: object) {
  const decoder = createRecordDecoder(reader, async () => writer)
  await decoder.resolveSchema(7)
  return decoder
}

describe('records of a schema', () => {
  const longs = fc.maxSafeInteger()
  const visits: fc.Arbitrary<Visit> = fc.record({
    user: fc.string(),
    at: longs,
    page: fc.option(fc.string()),
    referrer: fc.option(fc.record({ url: fc.string() }, { noNullPrototype: true })),
    score: fc.option(fc.double({ noNaN: true })),
    left: fc.option(longs),
    device: fc.constantFrom('phone', 'desk'),
    tags: fc.array(fc.string(), { maxLength: 3 }),
    counts: fc.dictionary(fc.stringMatching(/^[a-z]{1,3}$/), fc.integer(), { noNullPrototype: true }),
    raw: fc.uint8Array({ maxLength: 4 }).map((bytes) => Buffer.from(bytes)),
    isBot: fc.boolean(),
  })

  it('come back as they went in, unions as bare values', async () => {
    const decoder = await decoderOf(visit, visit)
    const encode = createRecordEncoder(visit, 7)
    fc.assert(
      fc.property(visits, (record) => {
        expect(decoder.decode(encode(record))).toEqual({ status: 'value', value: record })
      }),
      runs,
    )
  })

  it('are read by a newer schema: a field with a default, one left out, numbers promoted, a type made nullable', async () => {
    const newer = {
      type: 'record',
      name: 'Visit',
      fields: [
        { name: 'isBot', type: 'boolean' },
        { name: 'country', type: 'string', default: 'FR' },
        { name: 'at', type: 'double' },
        { name: 'user', type: ['null', 'string'] },
      ],
    } as const
    const decoder = await decoderOf(newer, visit)
    expect(decoder.decode(createRecordEncoder(visit, 7)(aVisit))).toEqual({
      status: 'value',
      value: { isBot: false, country: 'FR', at: 1_767_225_600_000, user: 'ann' },
    })
  })

  it('have the same bytes as those of the encoder that was written for ticks', () => {
    const tick: Tick = {
      ...{ symbol: 'BTC-USD', eventTime: -1, price: 1.5, size: 2, side: 'sell', tradeId: 2 ** 53 - 1 },
      ...{ idOrder: 'unordered', sequence: 3, line: 'a', ingestTime: 4 },
    }
    expect(createRecordEncoder(tickAvro, 9)(tick)).toEqual(createTickEncoder(9)(tick))
  })
})

describe('what does not fit', () => {
  it.each([
    { name: 'a text in place of a number', wrong: { at: 'now' }, fault: 'at is a value of "long", was "now"' },
    {
      name: 'a long beyond 2^53 - 1',
      wrong: { left: 2 ** 53 },
      fault: 'left is a value of ["null","long"], was 9007199254740992',
    },
    { name: 'a word that is not in the enum', wrong: { device: 'car' }, fault: 'device is a value of' },
    { name: 'a missing field', wrong: { user: undefined }, fault: 'user is a value of "string", was undefined' },
    {
      name: 'a fault in a nested record',
      wrong: { referrer: { url: 5 } },
      fault: 'referrer.url is a value of "string", was 5',
    },
  ])('$name is refused by the name of its field', ({ wrong, fault }) => {
    const encode: (record: never) => Buffer = createRecordEncoder(visit, 7)
    const attempt = (): Buffer => encode({ ...aVisit, ...wrong } as never)
    expect(attempt).toThrow(fault)
    expect(attempt).toThrow(expect.objectContaining({ code: 'BAD_RECORD' }))
  })

  it.each([
    { name: 'two numbers', branches: ['long', 'double'] },
    { name: 'two records', branches: ['null', aRecord('A'), aRecord('B')] },
    { name: 'a text and an enum', branches: ['string', { type: 'enum', name: 'E', symbols: ['a'] }] },
  ])('a union of $name is refused when the codec is made', ({ branches }) => {
    const schema: object = {
      type: 'array',
      items: { type: 'record', name: 'R', fields: [{ name: 'u', type: branches }] },
    }
    expect(() => createRecordEncoder(schema, 7)).toThrow(expect.objectContaining({ code: 'AMBIGUOUS_UNION' }))
    expect(() => createRecordDecoder(schema, async () => schema)).toThrow(
      expect.objectContaining({ code: 'AMBIGUOUS_UNION' }),
    )
  })

  it('what is no schema is refused when the codec is made', () => {
    expect(() => createRecordEncoder({ type: 'recrod' }, 7)).toThrow(expect.objectContaining({ code: 'BAD_SCHEMA' }))
  })

  it('bytes that are cut short, or go on, are bad', async () => {
    const decoder = await decoderOf(visit, visit)
    const bytes = createRecordEncoder(visit, 7)(aVisit)
    for (const wrong of [bytes.subarray(0, -1), Buffer.concat([bytes, Buffer.from([0])])])
      expect(decoder.decode(wrong).status).toBe('bad')
  })
})

function aRecord(name: string): object {
  return { type: 'record', name, fields: [{ name: 'x', type: 'int' }] }
}
