import avro from 'avsc'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { longs } from '../test/tick-rows.ts'
import {
  type Candle,
  closedByNames,
  type Emission,
  emissionAvro,
  emissionNames,
  epochAvro,
  fillNames,
} from './candle.ts'
import { type ControlRecord, controlAvro } from './control.ts'
import { createControlDecoder, createControlEncoder } from './control-codec.ts'
import {
  createEmissionDecoder,
  createEmissionEncoder,
  createEpochDecoder,
  createEpochEncoder,
} from './emission-codec.ts'
import { createFramedDecoder } from './framed-decoder.ts'
import { framed } from './wire-format.ts'

const counts = longs.map(Math.abs)
const emissions: fc.Arbitrary<Emission> = fc.record({
  kind: fc.constantFrom(...emissionNames),
  e: counts,
  q: counts,
  candle: fc.record({
    symbol: fc.string({ maxLength: 32 }),
    interval: fc.constantFrom(1, 60, 86_400),
    start: longs,
    end: longs,
    open: fc.double(),
    high: fc.double(),
    low: fc.double(),
    close: fc.double(),
    volume: fc.double(),
    volumeLow: fc.double(),
    quoteVolume: fc.double(),
    quoteVolumeLow: fc.double(),
    buyVolume: fc.double(),
    buyVolumeLow: fc.double(),
    trades: counts,
    firstTradeId: longs,
    lastTradeId: longs,
    final: fc.boolean(),
    revision: counts,
    closedBy: fc.constantFrom(...closedByNames),
    fill: fc.constantFrom(...fillNames),
    partial: fc.boolean(),
    seq: counts,
  }),
})

describe('emissions', () => {
  it('come back as they were', async () => {
    const decoder = createEmissionDecoder(async () => emissionAvro)
    await decoder.resolveSchema(3)
    const encode = createEmissionEncoder(3)
    fc.assert(
      fc.property(emissions, (emission) => {
        expect(decoder.decode(encode(emission))).toEqual({ status: 'value', value: emission })
      }),
      { numRuns: 1_000 },
    )
  })

  it('are the bytes of their schema', () => {
    const type = avro.Type.forSchema(JSON.parse(JSON.stringify(emissionAvro)))
    const small = (value: number) => Math.abs(value) < 2 ** 52
    const inRange = emissions.filter(({ candle }) =>
      [candle.start, candle.end, candle.firstTradeId, candle.lastTradeId].every(small),
    )
    fc.assert(
      fc.property(inRange, (emission) => {
        fc.pre(
          [emission.e, emission.q, emission.candle.trades, emission.candle.revision, emission.candle.seq].every(small),
        )
        const { candle, ...rest } = emission
        expect(createEmissionEncoder(3)(emission).equals(framed(3, type.toBuffer({ ...rest, ...candle })))).toBe(true)
      }),
    )
  })

  it('are read as a schema library reads them, whatever has become of the bytes', async () => {
    const own = createEmissionDecoder(async () => emissionAvro)
    const library = createFramedDecoder(
      emissionAvro,
      async () => emissionAvro,
      ({ kind, e, q, ...candle }: Candle & Omit<Emission, 'candle'>) => ({ kind, e, q, candle }),
    )
    await Promise.all([own.resolveSchema(3), library.resolveSchema(3)])
    const encode = createEmissionEncoder(3)
    const outcomes = new Set<string>()
    fc.assert(
      fc.property(
        emissions,
        fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 3 }),
        fc.integer({ min: -9, max: 9 }),
        (emission, changes, longer) => {
          const value = Buffer.concat([encode(emission), Buffer.alloc(Math.max(0, longer))])
          for (const [at, byte] of changes) value[5 + (at % (value.length - 5))] = byte
          const cut = value.subarray(0, value.length + Math.min(0, longer))
          const decoded = own.decode(cut)
          outcomes.add(decoded.status)
          expect(decoded).toEqual(library.decode(cut))
        },
      ),
      { numRuns: 5_000 },
    )
    expect([...outcomes].sort()).toEqual(['bad', 'value'])
  })

  it('of an older schema are read with the defaults of ours', async () => {
    const older = { ...emissionAvro, fields: emissionAvro.fields.filter(({ name }) => name !== 'partial').toReversed() }
    const type = avro.Type.forSchema(JSON.parse(JSON.stringify(older)))
    const decoder = createEmissionDecoder(async () => older)
    await decoder.resolveSchema(4)
    fc.assert(
      fc.property(emissions, (emission) => {
        const { candle, ...rest } = emission
        const numbers = [
          rest.e,
          rest.q,
          candle.start,
          candle.end,
          candle.trades,
          candle.firstTradeId,
          candle.lastTradeId,
        ]
        fc.pre([...numbers, candle.revision, candle.seq].every((value) => Math.abs(value) < 2 ** 52))
        const decoded = decoder.decode(framed(4, type.toBuffer({ ...rest, ...candle })))
        expect(decoded).toEqual({ status: 'value', value: { ...rest, candle: { ...candle, partial: false } } })
      }),
      { numRuns: 50 },
    )
  })
})

describe('a framed decoder', () => {
  const value = createEpochEncoder(5)({ e: 1_767_225_600_000 })

  it('asks for a schema that it has not seen', async () => {
    const decoder = createEpochDecoder(async () => epochAvro)
    expect(decoder.decode(value)).toEqual({ status: 'needsSchema', schemaId: 5 })
    await decoder.resolveSchema(5)
    expect(decoder.decode(value)).toEqual({ status: 'value', value: { e: 1_767_225_600_000 } })
  })

  it('hands on that the registry is down', async () => {
    const decoder = createEpochDecoder(() => Promise.reject(new Error('down')))
    await expect(decoder.resolveSchema(5)).rejects.toThrow('down')
    expect(decoder.decode(value)).toEqual({ status: 'needsSchema', schemaId: 5 })
  })

  it.each([
    { name: 'no value', bytes: null, schema: epochAvro },
    { name: 'no framing', bytes: Buffer.from('hello'), schema: epochAvro },
    { name: 'a cut value', bytes: value.subarray(0, -1), schema: epochAvro },
    { name: 'bytes after the record', bytes: Buffer.concat([value, value]), schema: epochAvro },
    { name: 'an id that the registry does not know', bytes: value, schema: undefined },
    { name: 'a schema of something else', bytes: value, schema: emissionAvro },
    { name: 'a schema that is none', bytes: value, schema: { type: 'nonsense' } },
  ])('calls $name bad', async ({ bytes, schema }) => {
    const decoder = createEpochDecoder(async () => schema)
    await decoder.resolveSchema(5)
    expect(decoder.decode(bytes)).toMatchObject({ status: 'bad' })
  })
})

describe('control records', () => {
  const texts = fc.string({ maxLength: 40 })
  const records: fc.Arbitrary<ControlRecord> = fc.oneof(
    fc.record({
      kind: fc.constant('heartbeat' as const),
      line: texts,
      from: longs,
      to: longs,
      cursor: fc.option(texts),
    }),
    fc.record({ kind: fc.constant('end' as const), line: texts }),
    fc.record({ kind: fc.constant('move' as const), line: texts, symbol: texts }),
    fc.record({
      kind: fc.constant('reject' as const),
      line: texts,
      source: texts,
      position: longs,
      reason: texts,
      detail: texts,
      payload: texts,
    }),
  )

  it('come back as they were', async () => {
    const decoder = createControlDecoder(async () => controlAvro)
    await decoder.resolveSchema(6)
    const encode = createControlEncoder(6)
    fc.assert(
      fc.property(records, (record) => {
        expect(decoder.decode(encode(record))).toEqual({ status: 'value', value: record })
      }),
    )
  })
})
