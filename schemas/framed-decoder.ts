import { type AvroReader, avroReaders } from './avro-reader.ts'
import { framingBytes, isFramed, schemaIdAt } from './wire-format.ts'

/** What decoding one value came to. */
export type Decoded<T> =
  | { readonly status: 'value'; readonly value: T }
  /** Its schema is not here yet: `resolveSchema`, then decode again. */
  | { readonly status: 'needsSchema'; readonly schemaId: number }
  /** It can never be read. */
  | { readonly status: 'bad'; readonly detail: string }

/** Decodes framed Avro values, synchronously once their writer's schema is known. */
export interface FramedDecoder<T> {
  decode(value: Uint8Array | null): Decoded<T>
  /** @throws {TransientError} The registry is down: not the value's fault; try again. */
  resolveSchema(schemaId: number): Promise<void>
}

export type FetchSchema = (schemaId: number) => Promise<object | undefined>

const schemasMax = 1024

/**
 * A decoder of one reader schema.
 *
 * @param fetchSchema The registry's answer: the Avro schema, or undefined where it does not know the id.
 * @param toValue     Makes the value of the decoded fields; undefined for fields that hold none.
 * @param schemas     Writers' schemas that are known without asking, by id.
 */
export function createFramedDecoder<Fields, T>(
  readerSchema: object,
  fetchSchema: FetchSchema,
  toValue: (fields: Fields) => T | undefined,
  schemas: ReadonlyMap<number, object> = new Map(),
): FramedDecoder<T> {
  const readersOf = avroReaders<Fields>(readerSchema)
  const known = new Map<number, AvroReader<Fields> | string>()
  const learn = (schemaId: number, schema: object): void => {
    const outcome = readersOf(schema)
    known.set(schemaId, outcome.reader ?? outcome.detail)
  }
  for (const [schemaId, schema] of schemas) learn(schemaId, schema)
  return {
    decode(value) {
      if (value === null || !isFramed(value, 0, value.length)) return bad('the value is not framed with a schema id')
      const schemaId = schemaIdAt(value, 0)
      const reader = known.get(schemaId)
      if (reader === undefined) return { status: 'needsSchema', schemaId }
      if (typeof reader === 'string') return bad(reader)
      const fields = reader.read(value, framingBytes, value.length)
      const made = fields === undefined ? undefined : toValue(fields)
      return made === undefined
        ? bad('the value is not exactly one record of its schema')
        : { status: 'value', value: made }
    },
    async resolveSchema(schemaId) {
      const schema = await fetchSchema(schemaId)
      known.delete(schemaId)
      for (const oldest of known.keys()) {
        if (known.size < schemasMax) break
        known.delete(oldest)
      }
      if (schema === undefined) {
        known.set(schemaId, 'the registry does not know the schema id')
        return
      }
      learn(schemaId, schema)
    },
  }
}

function bad(detail: string): Decoded<never> {
  return { status: 'bad', detail }
}
