import avro from 'avsc'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { aTick, ticks } from '../test/tick-rows.ts'
import { avroReaders, avroType } from './avro-reader.ts'
import { type Tick, tickAvro } from './tick.ts'
import { createTickEncoder } from './tick-encoder.ts'
import { framed, framingBytes, isFramed, schemaIdAt, schemaIdMax } from './wire-format.ts'

const plain = avro.Type.forSchema(JSON.parse(JSON.stringify(tickAvro)))
const exactInAvsc = (value: number) => value > -(2 ** 52) && value < 2 ** 53 - 1

describe('encoded ticks', () => {
  it('are the bytes that avsc writes', () => {
    const encode = createTickEncoder(77)
    const inRange = ticks.filter((t) => [t.eventTime, t.tradeId, t.sequence, t.ingestTime].every(exactInAvsc))
    fc.assert(
      fc.property(inRange, (tick) => {
        expect(encode(tick).equals(framed(77, plain.toBuffer(tick)))).toBe(true)
      }),
      { numRuns: 2_000 },
    )
  })

  // avsc's own long writes another number for odd negatives beyond 2^52.
  it('read back as the same tick over the whole range of longs', () => {
    const encode = createTickEncoder(1)
    const { reader } = avroReaders<Tick>(tickAvro)(tickAvro)
    fc.assert(
      fc.property(ticks, (tick) => {
        const value = encode(tick)
        expect({ ...reader?.read(value, framingBytes, value.length) }).toEqual(tick)
      }),
      { numRuns: 2_000 },
    )
  })

  it('keep their bytes when the encoder goes on', () => {
    const encode = createTickEncoder(1)
    const value = encode(aTick())
    const copy = Buffer.from(value)
    for (let i = 0; i < 10; i++) encode(aTick({ symbol: `OTHER-${i}` }))
    expect(value.equals(copy)).toBe(true)
  })

  it.each([10, 1_000, 100_000])('hold strings of %i characters', (length) => {
    const symbol = 'é'.repeat(length)
    expect(avroType(tickAvro).fromBuffer(createTickEncoder(1)(aTick({ symbol })).subarray(framingBytes)).symbol).toBe(
      symbol,
    )
  })

  it.each([2 ** 53, -(2 ** 53), 0.5, Number.NaN, Number.POSITIVE_INFINITY])('never hold the long %d', (tradeId) => {
    expect(() => createTickEncoder(1)(aTick({ tradeId }))).toThrow(/safe integer/)
  })
})

describe('the framing', () => {
  it.each([0, 1, 255, 256, 65_536, 2 ** 31 - 1, 2 ** 31, schemaIdMax])('carries the schema id %i', (id) => {
    const value = framed(id, Buffer.from('body'))
    expect(isFramed(value, 0, value.length)).toBe(true)
    expect(schemaIdAt(value, 0)).toBe(id)
    expect(value.subarray(framingBytes).toString()).toBe('body')
  })

  it.each([
    { name: 'four bytes', bytes: [0, 0, 0, 1] },
    { name: 'another magic byte', bytes: [1, 0, 0, 0, 1] },
    { name: 'nothing', bytes: [] },
  ])('is not in $name', ({ bytes }) => {
    expect(isFramed(Uint8Array.from(bytes), 0, bytes.length)).toBe(false)
  })
})
