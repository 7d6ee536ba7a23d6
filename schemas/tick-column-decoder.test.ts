import { describe, expect, it } from 'vitest'
import { aTick, rowOf, tickRows } from '../test/tick-rows.ts'
import { createAvroWriter } from './avro-writer.ts'
import { type ControlRecord, controlAvro } from './control.ts'
import { createControlEncoder } from './control-codec.ts'
import { Interner } from './interner.ts'
import { tickAvro } from './tick.ts'
import { createTickColumnDecoder } from './tick-column-decoder.ts'
import { pushed } from './tick-decoder.ts'
import { createTickEncoder } from './tick-encoder.ts'
import { framed, framingBytes, valueBytesMax } from './wire-format.ts'

const tickId = 7
const controlId = 8
const foreignId = 9
const schemas = new Map<number, object>([
  [tickId, tickAvro],
  [controlId, controlAvro],
  [foreignId, { type: 'record', name: 'Order', namespace: 'redwick', fields: [{ name: 'x', type: 'long' }] }],
])

async function setUp(
  options: { rowsMax?: number; symbolsMax?: number; compile?: boolean; schemas?: typeof schemas } = {},
) {
  const symbols = new Interner(options.symbolsMax)
  const lines = new Interner()
  const known = options.schemas ?? schemas
  const decoder = createTickColumnDecoder({
    symbols,
    lines,
    fetchSchema: async (id) => known.get(id),
    ...(options.rowsMax === undefined ? {} : { rowsMax: options.rowsMax }),
    ...(options.compile === undefined ? {} : { compile: options.compile }),
  })
  for (const id of [...known.keys(), 99]) await decoder.resolveSchema(id)
  const push = (value: Uint8Array | null, kind?: string, offset = 0) =>
    decoder.push(value, 0, value?.length ?? 0, offset, 0, kind)
  const take = () => decoder.take(0, 0, 1)
  return { symbols, lines, decoder, push, take, rows: () => tickRows(take(), symbols, lines) }
}

const encode = createTickEncoder(tickId)
const encodeControl = createControlEncoder(controlId)
const heartbeat: ControlRecord = { kind: 'heartbeat', line: 'l', from: -5, to: 2 ** 45, cursor: 'file:7' }

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
    const { decoder, take, symbols, lines } = await setUp({ compile })
    const value = encode(aTick())
    expect(decoder.push(value, 0, value.length, 41, 1_700, undefined)).toBe(pushed.taken)
    const batch = take()
    expect(tickRows(batch, symbols, lines)).toEqual([rowOf(aTick())])
    expect([batch.columns.offset[0], batch.columns.appendTime[0]]).toEqual([41, 1_700])
  })

  it('reads a value in the middle of a segment and nothing around it', async () => {
    const { decoder, rows } = await setUp({ compile })
    const value = encode(aTick())
    const segment = Buffer.concat([Buffer.alloc(13, 0xff), value, Buffer.alloc(13, 0xff)])
    decoder.push(segment, 13, 13 + value.length, 0, 0, undefined)
    expect(rows()).toEqual([rowOf(aTick())])
  })

  it('refuses a value at every place where it may be cut, whatever follows it in the segment', async () => {
    const { decoder, take } = await setUp({ compile })
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
    const { push, take } = await setUp({ compile })
    expect(push(value, undefined, 5)).toBe(pushed.taken)
    const { columns, refused } = take()
    expect(columns.length).toBe(0)
    expect(refused).toMatchObject([{ offset: 5, reason, schemaId }])
  })

  it('takes a varint of 10 bytes with leading zeros', async () => {
    const { push, rows } = await setUp({ compile })
    push(withEventTime(0x84, ...Array(8).fill(0x80), 0))
    expect(rows()).toMatchObject([{ eventTime: 2 }])
  })

  it.each([-(2 ** 53) + 1, 2 ** 53 - 1, -(2 ** 52) - 1, -(2 ** 27), 2 ** 27, -(2 ** 27) - 1])(
    'reads the long %d',
    async (tradeId) => {
      const { push, rows } = await setUp({ compile })
      push(encode(aTick({ tradeId })))
      expect(rows()).toMatchObject([{ tradeId }])
    },
  )

  it('refuses a tick of one symbol too many as BAD_SYMBOL, and goes on with those it knows', async () => {
    const { push, take } = await setUp({ compile, symbolsMax: 1 })
    for (const symbol of ['A', 'B', 'A']) push(encode(aTick({ symbol })))
    const { columns, refused } = take()
    expect(columns.length).toBe(2)
    expect(refused).toMatchObject([{ reason: 'BAD_SYMBOL' }])
  })

  it('adds nothing to the tables for a tick that it refuses', async () => {
    const { push, symbols, lines } = await setUp({ compile })
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
    const { push, rows, decoder, take } = await setUp({ schemas: known })
    await decoder.resolveSchema(tickId)
    push(encode(aTick()))
    expect(take().refused).toMatchObject([{ reason: 'UNKNOWN_SCHEMA' }])
    known.set(tickId, tickAvro)
    await decoder.resolveSchema(tickId)
    push(encode(aTick()))
    expect(rows()).toHaveLength(1)
  })

  it('is full at its bound, of rows, control and refused records together', async () => {
    const { push, take, decoder } = await setUp({ rowsMax: 3 })
    expect([push(encode(aTick())), push(null), push(encodeControl(heartbeat), 'heartbeat')]).toEqual([0, 0, 0])
    expect([push(encode(aTick())), push(null), push(encodeControl(heartbeat), 'heartbeat')]).toEqual([1, 1, 1])
    expect(decoder.pending).toBe(3)
    const batch = take()
    expect([batch.columns.length, batch.controls.length, batch.refused.length, decoder.pending]).toEqual([1, 1, 1, 0])
    expect(push(encode(aTick()))).toBe(pushed.taken)
  })

  it('hands out the batch with its place, and clean verdicts after an operator wrote some', async () => {
    const { push, decoder } = await setUp()
    push(encode(aTick()))
    const batch = decoder.take(3, 40, 41)
    expect(batch).toMatchObject({ partition: 3, baseOffset: 40, nextOffset: 41 })
    batch.columns.verdict.fill(1, 0, 1)
    push(encode(aTick()))
    expect(decoder.take(3, 41, 42).columns.verdict[0]).toBe(0)
  })

  it('hands out an empty batch when nothing was pushed since the last', async () => {
    const { push, take } = await setUp()
    push(encode(aTick()))
    take()
    expect(take()).toMatchObject({ columns: { length: 0 }, controls: [], refused: [] })
  })

  it('keeps at most 4 KiB of a refused payload, as a copy', async () => {
    const { push, take } = await setUp()
    const value = framed(tickId, Buffer.alloc(10_000, 0x61))
    push(value)
    value.fill(0)
    const [record] = take().refused
    expect(record?.payload.length).toBe(4096)
    expect(record?.payload[4000]).toBe(0x61)
  })
})

describe('control records', () => {
  const records: ControlRecord[] = [
    heartbeat,
    { kind: 'heartbeat', line: 'é', from: 0, to: 0, cursor: null },
    { kind: 'end', line: 'l' },
    { kind: 'move', line: 'l', symbol: 'BTC-USD' },
    { kind: 'reject', line: 'l', source: 'f.csv', position: 7, reason: 'BAD_PRICE', detail: 'd', payload: 'p€' },
  ]

  it.each(records)('of kind $kind come back as they were', async (record) => {
    const { push, take } = await setUp()
    push(encodeControl(record), record.kind, 9)
    expect(take().controls).toEqual([{ row: 0, offset: 9, appendTime: 0, record }])
  })

  it('stand before the row that follows them', async () => {
    const { push, take } = await setUp()
    push(encode(aTick()))
    push(encodeControl(heartbeat), 'heartbeat')
    push(encode(aTick()))
    push(encodeControl({ kind: 'end', line: 'l' }), 'end')
    expect(take().controls.map(({ row }) => row)).toEqual([1, 2])
  })

  it.each([
    { name: 'a kind that is not known', value: encodeControl(heartbeat), kind: 'dance', reason: 'BAD_CONTROL' },
    { name: 'another kind in the header', value: encodeControl(heartbeat), kind: 'end', reason: 'BAD_CONTROL' },
    { name: 'a cut value', value: encodeControl(heartbeat).subarray(0, -1), kind: 'heartbeat', reason: 'BAD_CONTROL' },
    { name: 'no value', value: null, kind: 'end', reason: 'NO_VALUE' },
    { name: 'no framing', value: Buffer.from('hi'), kind: 'end', reason: 'MALFORMED' },
    { name: 'the schema of ticks', value: encode(aTick()), kind: 'end', reason: 'INCOMPATIBLE_SCHEMA' },
    { name: 'an unknown id', value: framed(99, Buffer.from('hi')), kind: 'end', reason: 'UNKNOWN_SCHEMA' },
  ])('with $name are refused as $reason', async ({ value, kind, reason }) => {
    const { push, take } = await setUp()
    expect(push(value, kind)).toBe(pushed.taken)
    const { controls, refused } = take()
    expect(controls).toEqual([])
    expect(refused).toMatchObject([{ reason }])
  })

  it('hold no more than a few MiB of a batch', async () => {
    const { push } = await setUp()
    const value = encodeControl({
      kind: 'reject',
      line: 'l',
      source: '',
      position: 0,
      reason: '',
      detail: '',
      payload: 'p'.repeat(1_000_000),
    })
    const results = Array.from({ length: 8 }, () => push(value, 'reject'))
    expect(results.filter((result) => result === pushed.taken).length).toBeLessThanOrEqual(5)
    expect(results.at(-1)).toBe(pushed.full)
  })
})
