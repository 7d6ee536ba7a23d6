import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { SchemaRegistry } from '../ports/schema-registry.ts'
import { avroReaders } from '../schemas/avro-reader.ts'
import { emissionAvro } from '../schemas/candle.ts'
import { controlAvro } from '../schemas/control.ts'
import { tickAvro } from '../schemas/tick.ts'

const first = { type: 'record', name: 'Sample', namespace: 'contract', fields: [{ name: 'a', type: 'long' }] }
const withDefault = { ...first, fields: [...first.fields, { name: 'b', type: 'string', default: 'none' }] }
const withoutDefault = { ...first, fields: [...first.fields, { name: 'c', type: 'string' }] }

let subjects = 0
const subject = () => `contract-${process.pid}-${Date.now()}-${subjects++}`

/** What every schema registry adapter does. */
export function registryContract(name: string, makeRegistry: () => Promise<SchemaRegistry>): void {
  describe(`${name} is a schema registry`, () => {
    let registry: SchemaRegistry
    beforeAll(async () => {
      registry = await makeRegistry()
    })
    afterAll(() => registry.close())

    it('gives the same id for the same schema', async () => {
      const under = subject()
      const id = await registry.register(under, first)
      expect(await registry.register(under, structuredClone(first))).toBe(id)
    })

    it('gives one id for one schema under two subjects', async () => {
      expect(await registry.register(subject(), tickAvro)).toBe(await registry.register(subject(), tickAvro))
    })

    it('gives ids that fit the framing, and different ones for different schemas', async () => {
      const under = subject()
      const ids = [await registry.register(under, first), await registry.register(under, withDefault)]
      expect(new Set(ids).size).toBe(2)
      for (const id of ids) expect(id > 0 && id <= 0x7fff_ffff && Number.isInteger(id)).toBe(true)
    })

    it.each([
      { name: 'ticks', schema: tickAvro },
      { name: 'control records', schema: controlAvro },
      { name: 'emissions', schema: emissionAvro },
    ])('hands back the schema of $name such that it reads as itself', async ({ schema }) => {
      const found = await registry.schema(await registry.register(subject(), schema))
      expect(found).toMatchObject({ type: 'record', fields: schema.fields.map((field) => ({ name: field.name })) })
      expect(avroReaders(schema)(found ?? {}).reader).toBeDefined()
    })

    it('registers the same schema many times at once as one', async () => {
      const under = subject()
      const ids = await Promise.all(Array.from({ length: 5 }, () => registry.register(under, first)))
      expect(new Set(ids).size).toBe(1)
    })

    it('says undefined for an id that it does not know', async () => {
      expect(await registry.schema(0x7fff_fff0)).toBeUndefined()
    })

    it('refuses a schema that cannot read what the subject holds', async () => {
      const under = subject()
      await registry.register(under, first)
      await expect(registry.register(under, withoutDefault)).rejects.toMatchObject({ code: 'SCHEMA_INCOMPATIBLE' })
    })

    it('answers a ping', async () => {
      await expect(registry.ping()).resolves.toBeUndefined()
    })
  })
}
