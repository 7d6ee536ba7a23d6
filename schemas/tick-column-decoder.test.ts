import { describe, expect, it } from 'vitest'
import { decoderRig, encode, encodeControl, foreignId, heartbeat, tickId } from '../test/tick-decoder-rig.ts'
import { aTick, rowOf, tickRows } from '../test/tick-rows.ts'
import { createAvroWriter } from './avro-writer.ts'
import { pushed } from './batch-decoder.ts'
import { Interner } from './interner.ts'
import { tickAvro } from './tick.ts'
import { createTickColumnDecoder } from './tick-column-decoder.ts'
import { framed, framingBytes, valueBytesMax } from './wire-format.ts'

/** A tick with one part written otherwise. */
function brokenTick(part: 'side' | 'tradeId' | 'symbolLength', value: number): Buffer {
  const writer = createAvroWriter(tickId)
  writer.start()
  if (part === 'symbolLength') writer.long(value)
  else writer.string('BTC-USD')
  writer.long(1)
  writer.double(1)
  writer.double(1)
  writer.long(part === 'side' ? value : 0)
  writer.long(1)
  writer.long(0)
  writer.long(1)
  writer.string('l')
  writer.long(0)
  return writer.finish()
}

/** A value whose `eventTime` is the given varint. */
function withEventTime(...varint: number[]): Buffer {
  const whole = encode(aTick({ symbol: '', eventTime: 0 }))
  return Buffer.concat([whole.subarray(0, framingBytes + 1), Buffer.from(varint), whole.subarray(framingBytes + 2)])
}

describe.each([
  { way: 'compiled', compile: true },
  { way: 'general', compile: false },
])('the $way way', ({ compile }) => {
  it('makes a row of a tick, with its place', async () => {
    const { decoder, take, symbols, lines } = await decoderRig({ compile })
    const value = encode(aTick())
    expect(decoder.push(value, 0, value.length, 41, 1_700, undefined)).toBe(pushed.taken)
    const batch = take()
    expect(tickRows(batch, symbols, lines)).toEqual([rowOf(aTick())])
    expect([batch.columns.offset[0], batch.columns.appendTime[0]]).toEqual([41, 1_700])
  })

  it('reads a value in the middle of a segment and nothing around it', async () => {
    const { decoder, rows } = await decoderRig({ compile })
    const value = encode(aTick())
    const segment = Buffer.concat([Buffer.alloc(13, 0xff), value, Buffer.alloc(13, 0xff)])
    decoder.push(segment, 13, 13 + value.length, 0, 0, undefined)
    expect(rows()).toEqual([rowOf(aTick())])
  })

  it('refuses a value at every place where it may be cut, whatever follows it in the segment', async () => {
    const { decoder, take } = await decoderRig({ compile })
    const value = encode(aTick())
    for (let to = framingBytes; to < value.length; to++) decoder.push(value, 0, to, to, 0, undefined)
    const { columns, refused } = take()
    expect(columns.length).toBe(0)
    expect(refused).toHaveLength(value.length - framingBytes)
    expect(new Set(refused.map(({ reason }) => reason))).toEqual(new Set(['MALFORMED']))
  })

  it.each([
    { name: 'no value', value: null, reason: 'NO_VALUE', schemaId: null },
    { name: 'an empty value', value: Buffer.alloc(0), reason: 'MALFORMED', schemaId: null },
    { name: 'four bytes', value: Buffer.alloc(4), reason: 'MALFORMED', schemaId: null },
    { name: 'another magic byte', value: Buffer.from([1, 0, 0, 0, 7, 0]), reason: 'MALFORMED', schemaId: null },
    { name: 'only the framing', value: framed(tickId, Buffer.alloc(0)), reason: 'MALFORMED', schemaId: tickId },
    {
      name: 'bytes after the tick',
      value: Buffer.concat([encode(aTick()), Buffer.alloc(1)]),
      reason: 'MALFORMED',
      schemaId: tickId,
    },
    { name: 'more than 1 MiB', value: Buffer.alloc(valueBytesMax + 1), reason: 'OVERSIZED', schemaId: null },
    {
      name: 'an id that the registry does not know',
      value: framed(99, Buffer.from('x')),
      reason: 'UNKNOWN_SCHEMA',
      schemaId: 99,
    },
    {
      name: 'a schema of something else',
      value: framed(foreignId, Buffer.from('x')),
      reason: 'INCOMPATIBLE_SCHEMA',
      schemaId: foreignId,
    },
    { name: 'an enum index past the last', value: brokenTick('side', 3), reason: 'MALFORMED', schemaId: tickId },
    { name: 'a negative enum index', value: brokenTick('side', -1), reason: 'MALFORMED', schemaId: tickId },
    { name: 'a huge enum index', value: brokenTick('side', 2 ** 40), reason: 'MALFORMED', schemaId: tickId },
    { name: 'a negative length', value: brokenTick('symbolLength', -1), reason: 'MALFORMED', schemaId: tickId },
    { name: 'a huge length', value: brokenTick('symbolLength', 2 ** 52), reason: 'MALFORMED', schemaId: tickId },
    { name: 'a length of 2^32', value: brokenTick('symbolLength', 2 ** 32), reason: 'MALFORMED', schemaId: tickId },
    {
      name: 'the long 2^53',
      value: withEventTime(0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x20),
      reason: 'MALFORMED',
      schemaId: tickId,
    },
    {
      name: 'the long -2^53',
      value: withEventTime(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x1f),
      reason: 'MALFORMED',
      schemaId: tickId,
    },
    {
      name: 'a varint of 11 bytes',
      value: withEventTime(...Array(10).fill(0x80), 0),
      reason: 'MALFORMED',
      schemaId: tickId,
    },
    {
      name: 'a symbol of 33 bytes',
      value: encode(aTick({ symbol: 'S'.repeat(33) })),
      reason: 'BAD_SYMBOL',
      schemaId: tickId,
    },
    {
      name: 'a line of 257 bytes',
      value: encode(aTick({ line: 'l'.repeat(257) })),
      reason: 'MALFORMED',
      schemaId: tickId,
    },
    {
      name: 'a symbol that is not UTF-8',
      value: Buffer.from(encode(aTick({ symbol: '\x01' })).map((b) => (b === 1 ? 0xff : b))),
      reason: 'MALFORMED',
      schemaId: tickId,
    },
  ])('refuses $name as $reason', async ({ value, reason, schemaId }) => {
    const { push, take } = await decoderRig({ compile })
    expect(push(value, undefined, 5)).toBe(pushed.taken)
    const { columns, refused } = take()
    expect(columns.length).toBe(0)
    expect(refused).toMatchObject([{ offset: 5, reason, schemaId }])
  })

  it('takes a varint of 10 bytes with leading zeros', async () => {
    const { push, rows } = await decoderRig({ compile })
    push(withEventTime(0x84, ...Array(8).fill(0x80), 0))
    expect(rows()).toMatchObject([{ eventTime: 2 }])
  })

  it.each([-(2 ** 53) + 1, 2 ** 53 - 1, -(2 ** 52) - 1, -(2 ** 27), 2 ** 27, -(2 ** 27) - 1])(
    'reads the long %d',
    async (tradeId) => {
      const { push, rows } = await decoderRig({ compile })
      push(encode(aTick({ tradeId })))
      expect(rows()).toMatchObject([{ tradeId }])
    },
  )

  it('refuses a tick of one symbol too many as BAD_SYMBOL, and goes on with those it knows', async () => {
    const { push, take } = await decoderRig({ compile, symbolsMax: 1 })
    for (const symbol of ['A', 'B', 'A']) push(encode(aTick({ symbol })))
    const { columns, refused } = take()
    expect(columns.length).toBe(2)
    expect(refused).toMatchObject([{ reason: 'BAD_SYMBOL' }])
  })

  it('adds nothing to the tables for a tick that it refuses', async () => {
    const { push, symbols, lines } = await decoderRig({ compile })
    push(Buffer.concat([encode(aTick()), Buffer.alloc(1)]))
    expect([symbols.size, lines.size]).toEqual([0, 0])
  })
})

describe('a decoder', () => {
  it('asks for a schema that it has not seen, once for all', async () => {
    let asked = 0
    const decoder = createTickColumnDecoder({
      symbols: new Interner(),
      lines: new Interner(),
      fetchSchema: async () => {
        asked++
        return tickAvro
      },
    })
    const value = encode(aTick())
    const push = () => decoder.push(value, 0, value.length, 0, 0, undefined)
    expect(push()).toBe(pushed.needsSchema)
    expect(decoder.wantedSchemaId).toBe(tickId)
    expect(decoder.pending).toBe(0)
    await decoder.resolveSchema(tickId)
    expect([push(), push(), decoder.pending, asked]).toEqual([pushed.taken, pushed.taken, 2, 1])
  })

  it('hands on that the registry is down, and refuses nothing for it', async () => {
    const fetchSchema = () => Promise.reject(new Error('down'))
    const decoder = createTickColumnDecoder({ symbols: new Interner(), lines: new Interner(), fetchSchema })
    await expect(decoder.resolveSchema(tickId)).rejects.toThrow('down')
    const value = encode(aTick())
    expect(decoder.push(value, 0, value.length, 0, 0, undefined)).toBe(pushed.needsSchema)
    expect(decoder.take(0, 0, 0).refused).toEqual([])
  })

  it('reads the records of an id that the registry came to know, after it was asked again', async () => {
    const known = new Map<number, object>()
    const { push, rows, decoder, take } = await decoderRig({ schemas: known })
    await decoder.resolveSchema(tickId)
    push(encode(aTick()))
    expect(take().refused).toMatchObject([{ reason: 'UNKNOWN_SCHEMA' }])
    known.set(tickId, tickAvro)
    await decoder.resolveSchema(tickId)
    push(encode(aTick()))
    expect(rows()).toHaveLength(1)
  })

  it('is full at its bound, of rows, control and refused records together', async () => {
    const { push, take, decoder } = await decoderRig({ rowsMax: 3 })
    expect([push(encode(aTick())), push(null), push(encodeControl(heartbeat), 'heartbeat')]).toEqual([0, 0, 0])
    expect([push(encode(aTick())), push(null), push(encodeControl(heartbeat), 'heartbeat')]).toEqual([1, 1, 1])
    expect(decoder.pending).toBe(3)
    const batch = take()
    expect([batch.columns.length, batch.controls.length, batch.refused.length, decoder.pending]).toEqual([1, 1, 1, 0])
    expect(push(encode(aTick()))).toBe(pushed.taken)
  })

  it('hands out the batch with its place, and clean verdicts after an operator wrote some', async () => {
    const { push, decoder } = await decoderRig()
    push(encode(aTick()))
    const batch = decoder.take(3, 40, 41)
    expect(batch).toMatchObject({ partition: 3, baseOffset: 40, nextOffset: 41 })
    batch.columns.verdict.fill(1, 0, 1)
    push(encode(aTick()))
    expect(decoder.take(3, 41, 42).columns.verdict[0]).toBe(0)
  })

  it('hands out an empty batch when nothing was pushed since the last', async () => {
    const { push, take } = await decoderRig()
    push(encode(aTick()))
    take()
    expect(take()).toMatchObject({ columns: { length: 0 }, controls: [], refused: [] })
  })

  it('keeps at most 4 KiB of a refused payload, as a copy', async () => {
    const { push, take } = await decoderRig()
    const value = framed(tickId, Buffer.alloc(10_000, 0x61))
    push(value)
    value.fill(0)
    const [record] = take().refused
    expect(record?.payload.length).toBe(4096)
    expect(record?.payload[4000]).toBe(0x61)
  })
})
