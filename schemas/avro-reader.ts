import type { Type } from 'avsc'
import avro from 'avsc'
import { avroWalk } from './avro-walk.ts'
import { messageOf } from './errors.ts'
import { exactLong } from './exact-long.ts'

/** Reads values of one writer's schema as records of the reader's schema. */
export interface AvroReader<T> {
  /** @returns Undefined where `[from, to)` is not exactly one value of the writer's schema; never throws. */
  read(bytes: Uint8Array, from: number, to: number): T | undefined
}

/** A reader, or why a writer's schema cannot be read as the reader's. */
export type ReaderOutcome<T> =
  | { readonly reader: AvroReader<T>; readonly writer: Type }
  | { readonly reader: undefined; readonly detail: string }

/** What avsc's untyped results are, by the reader's schema. */
interface Shaped<T> {
  fromBuffer(buffer: Buffer, resolver: ReturnType<Type['createResolver']>): T
}

/** The type of a schema, with exact longs. Every call has its own names. @throws {Error} When it is no Avro schema. */
export function avroType(schema: object): Type {
  const plain: unknown = JSON.parse(JSON.stringify(schema), withoutLogicalLong)
  if (!isSchema(plain)) throw new TypeError('an Avro schema has a type')
  return avro.Type.forSchema(plain, { registry: { long: exactLong } })
}

function isSchema(value: unknown): value is avro.Schema {
  return typeof value === 'object' && value !== null && ('type' in value || Array.isArray(value))
}

/** A long in an object (as logical types are written) would get round the registry's exact one. */
function withoutLogicalLong(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || !('type' in value) || 'name' in value) return value
  return value.type === 'long' ? 'long' : value
}

/**
 * Resolves writer schemas to one reader schema (field order, added and defaulted fields, promotions, unions, aliases).
 * The resolver is made once a writer schema (an object of its own), not once a record.
 *
 * @returns The reader of a writer schema, or why there is none.
 */
export function avroReaders<T>(readerSchema: object): (writerSchema: object) => ReaderOutcome<T> {
  const type = avroType(readerSchema)
  const shaped: Shaped<T> = type
  const make = (writerSchema: object): ReaderOutcome<T> => {
    try {
      const writer = avroType(writerSchema)
      const resolver = type.createResolver(writer)
      const walk = avroWalk(writer)
      const read = (bytes: Uint8Array, from: number, to: number) => {
        if (walk(bytes, from, to) !== to) return undefined
        try {
          return shaped.fromBuffer(Buffer.from(bytes.buffer, bytes.byteOffset + from, to - from), resolver)
        } catch {
          return undefined
        }
      }
      return { writer, reader: { read } }
    } catch (error) {
      return { reader: undefined, detail: messageOf(error).slice(0, 200) }
    }
  }
  const made = new WeakMap<object, ReaderOutcome<T>>()
  return (writerSchema) => {
    const outcome = made.get(writerSchema) ?? make(writerSchema)
    made.set(writerSchema, outcome)
    return outcome
  }
}
