import avro from 'avsc'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { avroType } from './avro-reader.ts'
import { avroWalk } from './avro-walk.ts'

const tree = {
  type: 'record',
  name: 'Tree',
  fields: [
    { name: 'leaf', type: ['null', 'string'] },
    { name: 'weights', type: { type: 'map', values: 'double' } },
    { name: 'kind', type: { type: 'enum', name: 'Kind', symbols: ['a', 'b'] } },
    { name: 'mark', type: { type: 'fixed', name: 'Mark', size: 2 } },
    { name: 'flag', type: 'boolean' },
    { name: 'children', type: { type: 'array', items: 'Tree' } },
  ],
}

interface Tree {
  leaf: string | null
  weights: Record<string, number>
  kind: string
  mark: Buffer
  flag: boolean
  children: Tree[]
}

const { trees } = fc.letrec<{ trees: Tree }>((tie) => ({
  trees: fc.record({
    leaf: fc.option(fc.string()),
    weights: fc.dictionary(fc.string(), fc.double(), { maxKeys: 3 }),
    kind: fc.constantFrom('a', 'b'),
    mark: fc.uint8Array({ minLength: 2, maxLength: 2 }).map((bytes) => Buffer.from(bytes)),
    flag: fc.boolean(),
    children: fc.oneof({ maxDepth: 4 }, fc.constant<Tree[]>([]), fc.array(tie('trees'), { maxLength: 3 })),
  }),
}))

describe('a walk', () => {
  const plain = avro.Type.forSchema(JSON.parse(JSON.stringify(tree)))
  const walk = avroWalk(avroType(tree))

  it('ends where the value ends, and nowhere when it is cut', () => {
    fc.assert(
      fc.property(trees, fc.nat(), (value, cut) => {
        const bytes = plain.toBuffer(value)
        expect(walk(bytes, 0, bytes.length)).toBe(bytes.length)
        expect(walk(Buffer.concat([bytes, bytes]), 0, 2 * bytes.length)).toBe(bytes.length)
        expect(walk(bytes, 0, cut % bytes.length)).toBe(-1)
      }),
    )
  })

  it('gives up on values nested more than 64 deep', () => {
    // No leaf, no weights, kind a, mark, flag, one child and so on.
    const deep = Buffer.concat(Array.from({ length: 200_000 }, () => Buffer.from([0, 0, 0, 0, 0, 0, 2])))
    expect(walk(deep, 0, deep.length)).toBe(-1)
  })

  it.each([
    {
      name: 'more items than bytes',
      schema: { type: 'array', items: 'int' },
      bytes: [0xfe, 0xff, 0xff, 0xff, 0x0f, 2, 0],
    },
    { name: 'a block of negative size', schema: { type: 'array', items: 'int' }, bytes: [1, 1, 2, 0] },
    { name: 'no end of blocks', schema: { type: 'array', items: 'int' }, bytes: [2, 2] },
    { name: 'a boolean of 2', schema: { type: 'boolean' }, bytes: [2] },
    { name: 'an int beyond 32 bits', schema: { type: 'int' }, bytes: [0x80, 0x80, 0x80, 0x80, 0x10] },
    { name: 'a branch that the union has not', schema: [{ type: 'null' }, { type: 'int' }], bytes: [4, 0] },
    { name: 'a fixed that is cut', schema: { type: 'fixed', name: 'F', size: 4 }, bytes: [1, 2, 3] },
    { name: 'a map key of negative length', schema: { type: 'map', values: 'int' }, bytes: [2, 1, 0, 0] },
  ])('finds no value in $name', ({ schema, bytes }) => {
    expect(avroWalk(avroType(schema))(Uint8Array.from(bytes), 0, bytes.length)).toBe(-1)
  })

  it('takes blocks that carry their size', () => {
    const bytes = Uint8Array.from([3, 4, 2, 4, 0])
    expect(avroWalk(avroType({ type: 'array', items: 'int' }))(bytes, 0, bytes.length)).toBe(bytes.length)
  })

  it.each([
    { name: 'nulls', items: 'null' },
    { name: 'fixed values of no bytes', items: { type: 'fixed', name: 'F', size: 0 } },
    { name: 'records without fields', items: { type: 'record', name: 'R', fields: [] } },
  ])('is not made for an array of $name: its length would be free', ({ items }) => {
    const type = { type: 'record', name: 'Outer', fields: [{ name: 'a', type: { type: 'array', items } }] }
    expect(() => avroWalk(avroType(type))).toThrow(TypeError)
  })
})
