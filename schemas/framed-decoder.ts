import { avroReaders, avroType } from './avro-reader.ts'
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

/** @returns Undefined where `[from, to)` is not exactly one value. */
type Read<T> = (bytes: Uint8Array, from: number, to: number) => T | undefined

interface FramedDecoderOptions<T> {
  readonly schemas?: ReadonlyMap<number, object> | undefined
  readonly own?: Read<T> | undefined
}

/**
 * A decoder of one reader schema.
 *
 * @param fetchSchema The registry's answer: the Avro schema, or undefined where it does not know the id.
 * @param toValue     Makes the value of the decoded fields; undefined for fields that hold none.
 * @param options.schemas  Writers' schemas that are known without asking, by id.
 * @param options.own      Reads what was written with the reader's own schema, in place of the library.
 */
export function createFramedDecoder<Fields, T>(
  readerSchema: object,
  fetchSchema: FetchSchema,
  toValue: (fields: Fields) => T | undefined,
  { schemas = new Map(), own }: FramedDecoderOptions<T> = {},
): FramedDecoder<T> {
  const readersOf = avroReaders<Fields>(readerSchema)
  const ownType = own && avroType(readerSchema)
  const known = new Map<number, Read<T> | string>()
  const learn = (schemaId: number, schema: object): void => {
    const outcome = readersOf(schema)
    const { reader } = outcome
    if (reader === undefined) known.set(schemaId, outcome.detail)
    else if (own !== undefined && ownType?.equals(outcome.writer)) known.set(schemaId, own)
    else
      known.set(schemaId, (bytes, from, to) => {
        const fields = reader.read(bytes, from, to)
        return fields === undefined ? undefined : toValue(fields)
      })
  }
  for (const [schemaId, schema] of schemas) learn(schemaId, schema)
  return {
    decode(value) {
      if (value === null || !isFramed(value, 0, value.length)) return bad('the value is not framed with a schema id')
      const schemaId = schemaIdAt(value, 0)
      const read = known.get(schemaId)
      if (read === undefined) return { status: 'needsSchema', schemaId }
      if (typeof read === 'string') return bad(read)
      const made = read(value, framingBytes, value.length)
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
