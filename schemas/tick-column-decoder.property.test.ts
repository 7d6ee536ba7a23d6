import avro from 'avsc'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { propertyRuns } from '../test/property-runs.ts'
import { longs, rowOf, type TickRow, tickRows, ticks } from '../test/tick-rows.ts'
import { Interner } from './interner.ts'
import { type Tick, tickAvro } from './tick.ts'
import { createTickColumnDecoder } from './tick-column-decoder.ts'
import { createTickEncoder } from './tick-encoder.ts'
import { framed, framingBytes } from './wire-format.ts'

/** A field of a writer's schema, with a value for it and what that value reads as; no `reads` for a field we do not need. */
interface WrittenField {
  readonly name: string
  readonly type: unknown
  readonly value: unknown
  readonly reads?: unknown
}

// avsc writes odd negatives beyond 2^52 wrongly; those have their own test.
const avscLongs = longs.filter((value) => Math.abs(value) < 2 ** 52)
const numbers = fc.constantFrom('double', 'float', 'int', 'long', 'union')

const doubleField =
  (name: 'price' | 'size') =>
  (tick: Tick): fc.Arbitrary<WrittenField> =>
    fc.tuple(numbers, fc.integer(), avscLongs).map(([type, int, long]) => {
      const float = Math.fround(tick[name])
      if (type === 'float') return { name, type, value: float, reads: float }
      if (type === 'int') return { name, type, value: int, reads: int }
      if (type === 'long') return { name, type, value: long, reads: long }
      if (type === 'union') return { name, type: ['float', 'double'], value: { double: tick[name] }, reads: tick[name] }
      return { name, type, value: tick[name], reads: tick[name] }
    })

const longField = (name: 'eventTime' | 'tradeId' | 'sequence'): fc.Arbitrary<WrittenField> =>
  fc.tuple(fc.constantFrom('long', 'logical', 'int', 'union'), fc.integer(), avscLongs).map(([type, int, long]) => {
    if (type === 'int') return { name, type, value: int, reads: int }
    if (type === 'union') return { name, type: ['int', 'long'], value: { int }, reads: int }
    if (type === 'logical')
      return { name, type: { type: 'long', logicalType: 'timestamp-millis' }, value: long, reads: long }
    return { name, type, value: long, reads: long }
  })

const stringField =
  (name: 'symbol' | 'line') =>
  (tick: Tick): fc.Arbitrary<WrittenField> =>
    fc.constantFrom('string', 'bytes', 'union').map((type) => {
      const text = tick[name]
      if (type === 'bytes') return { name, type, value: Buffer.from(text), reads: text }
      return {
        name,
        type: type === 'union' ? ['string'] : type,
        value: text,
        reads: text,
      }
    })

const enumField = (name: 'side' | 'idOrder', enumName: string, known: readonly string[], other: string) =>
  fc
    .tuple(fc.shuffledSubarray([...known, 'foreign'], { minLength: 1 }), fc.nat(10))
    .map(([symbols, pick]): WrittenField => {
      const value = symbols[pick % symbols.length] ?? ''
      return {
        name,
        type: { type: 'enum', name: enumName, namespace: 'redwick', symbols },
        value,
        reads: known.includes(value) ? value : other,
      }
    })

const nested = {
  type: 'record',
  fields: [
    { name: 'a', type: 'string' },
    { name: 'b', type: ['null', 'long'] },
  ],
}
const added: readonly ((name: string) => fc.Arbitrary<WrittenField>)[] = [
  (name) => fc.constant({ name, type: 'null', value: null }),
  (name) => fc.boolean().map((value) => ({ name, type: 'boolean', value })),
  (name) => fc.integer().map((value) => ({ name, type: 'int', value })),
  (name) => avscLongs.map((value) => ({ name, type: 'long', value })),
  (name) => fc.float().map((value) => ({ name, type: 'float', value })),
  (name) => fc.double().map((value) => ({ name, type: 'double', value })),
  (name) => fc.uint8Array({ maxLength: 200 }).map((value) => ({ name, type: 'bytes', value: Buffer.from(value) })),
  (name) => fc.string({ maxLength: 200 }).map((value) => ({ name, type: 'string', value })),
  (name) =>
    fc
      .constantFrom('x', 'y')
      .map((value) => ({ name, type: { type: 'enum', name: `E_${name}`, symbols: ['x', 'y'] }, value })),
  (name) =>
    fc
      .uint8Array({ minLength: 3, maxLength: 3 })
      .map((value) => ({ name, type: { type: 'fixed', name: `F_${name}`, size: 3 }, value: Buffer.from(value) })),
  (name) => fc.array(fc.string()).map((value) => ({ name, type: { type: 'array', items: 'string' }, value })),
  (name) =>
    fc.dictionary(fc.string(), avscLongs).map((value) => ({ name, type: { type: 'map', values: 'long' }, value })),
  (name) =>
    fc.option(fc.double()).map((value) => ({ name, type: ['null', 'double'], value: value === null ? null : value })),
  (name) =>
    fc
      .record({ a: fc.string(), b: fc.option(avscLongs) })
      .map((value) => ({ name, type: { ...nested, name: `R_${name}` }, value })),
]

const addedFields = fc
  .array(fc.nat(added.length - 1), { maxLength: 4 })
  .chain((kinds) =>
    fc.tuple(
      ...kinds.map((kind, i) =>
        (added[kind] ?? (() => fc.constant({ name: 'x', type: 'null', value: null })))(`added${i}`),
      ),
    ),
  )

/** A tick as some writer may write it: fields in any order, added, promoted, and left out where they have a default. */
const written = ticks.chain((tick) =>
  fc
    .tuple(
      stringField('symbol')(tick),
      longField('eventTime'),
      doubleField('price')(tick),
      doubleField('size')(tick),
      enumField('side', 'Side', ['buy', 'sell', 'unknown'], 'unknown'),
      longField('tradeId'),
      longField('sequence'),
      fc.option(stringField('line')(tick), { nil: undefined }),
      fc.option(enumField('idOrder', 'IdOrder', ['monotonic', 'unordered'], 'unordered'), { nil: undefined }),
      fc.option(
        avscLongs.map((value): WrittenField => ({ name: 'ingestTime', type: 'long', value })),
        { nil: undefined },
      ),
      addedFields,
    )
    .chain((parts) => {
      const fields = parts.flat().filter((field) => field !== undefined)
      return fc.shuffledSubarray(fields, { minLength: fields.length })
    }),
)

function expectedRow(fields: readonly WrittenField[]): object {
  const given = fields.filter((field) => 'reads' in field).map(({ name, reads }): [string, unknown] => [name, reads])
  return { line: 'default', idOrder: 'monotonic', ...Object.fromEntries<unknown>(given) }
}

function schemaOf(fields: readonly WrittenField[]): object {
  return {
    type: 'record',
    name: 'Tick',
    namespace: 'redwick',
    fields: fields.map(({ name, type }) => ({ name, type })),
  }
}

async function decoderOf(schema: object, compile: boolean) {
  const [symbols, lines] = [new Interner(), new Interner()]
  const decoder = createTickColumnDecoder({ symbols, lines, fetchSchema: async () => schema, compile })
  await decoder.resolveSchema(1)
  return (values: readonly Uint8Array[]): (TickRow | undefined)[] =>
    values.map((value) => {
      decoder.push(value, 0, value.length, 0, 0, undefined)
      return tickRows(decoder.take(0, 0, 1), symbols, lines)[0]
    })
}

describe('ticks of any writer schema that resolves', () => {
  it('read as they were written, the same in the compiled and in the general way', async () => {
    await fc.assert(
      fc.asyncProperty(written, async (fields) => {
        const schema = schemaOf(fields)
        const type = avro.Type.forSchema(JSON.parse(JSON.stringify(schema)))
        const value = framed(1, type.toBuffer(Object.fromEntries(fields.map((field) => [field.name, field.value]))))
        const [compiled] = (await decoderOf(schema, true))([value])
        const [general] = (await decoderOf(schema, false))([value])
        expect(compiled).toEqual(expectedRow(fields))
        expect(general).toEqual(expectedRow(fields))
      }),
      propertyRuns(500),
    )
  })

  it('are taken or refused alike when their bytes are changed', async () => {
    const mutation = fc.record({ at: fc.nat(), byte: fc.nat(255), cut: fc.option(fc.nat(), { freq: 4 }) })
    await fc.assert(
      fc.asyncProperty(written, fc.array(mutation, { minLength: 1, maxLength: 40 }), async (fields, mutations) => {
        const schema = schemaOf(fields)
        // avsc reads a long as a double without minding its range: only the compiled way refuses one that is too large.
        fc.pre(!fields.some(({ name, type }) => (name === 'price' || name === 'size') && type === 'long'))
        const type = avro.Type.forSchema(JSON.parse(JSON.stringify(schema)))
        const value = framed(1, type.toBuffer(Object.fromEntries(fields.map((field) => [field.name, field.value]))))
        const changed = mutations.map(({ at, byte, cut }) => {
          const copy = Buffer.from(value)
          copy[framingBytes + (at % Math.max(1, value.length - framingBytes))] = byte
          return cut === null ? copy : copy.subarray(0, framingBytes + (cut % (value.length - framingBytes + 1)))
        })
        expect((await decoderOf(schema, true))(changed)).toEqual((await decoderOf(schema, false))(changed))
      }),
      propertyRuns(300),
    )
  })
})

it('a row is what its tick was', async () => {
  const encode = createTickEncoder(1)
  const decode = await decoderOf(tickAvro, true)
  fc.assert(
    fc.property(ticks, (tick) => {
      expect(decode([encode(tick)])).toEqual([rowOf(tick)])
    }),
    propertyRuns(1_000),
  )
})
