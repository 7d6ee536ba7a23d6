import type { Type } from 'avsc'
import avro from 'avsc'
import { avroType } from './avro-reader.ts'
import type { RecordOf } from './avro-type.ts'
import { exitCodes, FatalError, messageOf } from './errors.ts'
import { createFramedDecoder, type FetchSchema, type FramedDecoder } from './framed-decoder.ts'
import { framed } from './wire-format.ts'

/**
 * Encodes plain records of a schema as framed Avro values, each in a buffer of its own. A union takes the bare value of
 * one of its branches.
 *
 * @param schema   Declared `as const`, so that its records have a type.
 * @param schemaId Id that the registry gave it.
 * @returns An encoder; it throws {@link FatalError} `BAD_RECORD`, naming the field, for what is no record of the schema.
 * @throws {FatalError} `BAD_SCHEMA`, or `AMBIGUOUS_UNION` where a bare value does not tell its branch.
 */
export function createRecordEncoder<const Schema extends object>(
  schema: Schema,
  schemaId: number,
): (record: RecordOf<Schema>) => Buffer {
  const type = recordType(schema)
  return (record) => {
    try {
      return framed(schemaId, type.toBuffer(record))
    } catch (error) {
      throw new FatalError({ code: 'BAD_RECORD', message: faultOf(type, record), why: messageOf(error), cause: error })
    }
  }
}

/**
 * Decodes framed Avro values of any writer's schema that resolves to this one: fields in another order, left out, with a
 * default, or promoted.
 *
 * @param schema      The reader's schema, declared `as const`.
 * @param fetchSchema The registry's answer for an id.
 * @param schemas     Writers' schemas that are known without asking, by id.
 * @throws {FatalError} `BAD_SCHEMA` or `AMBIGUOUS_UNION`.
 */
export function createRecordDecoder<const Schema extends object>(
  schema: Schema,
  fetchSchema: FetchSchema,
  schemas?: ReadonlyMap<number, object>,
): FramedDecoder<RecordOf<Schema>> {
  recordType(schema)
  return createFramedDecoder(schema, fetchSchema, (record: RecordOf<Schema>) => record, { schemas })
}

/** The type of a schema whose values are plain: no union in it wraps its branches. */
function recordType(schema: object): Type {
  const type = typeOf(schema)
  const ambiguous = ambiguousUnion(type, new Set())
  if (ambiguous === undefined) return type
  throw new FatalError({
    code: 'AMBIGUOUS_UNION',
    message: `a bare value does not tell the branch of the union ${ambiguous.toString().slice(0, 200)}`,
    why: 'two of its branches are numbers, texts, bytes, or records and maps',
    hint: 'keep one of them, or put them into a record with a field for each',
    exitCode: exitCodes.config,
  })
}

function typeOf(schema: object): Type {
  try {
    return avroType(schema)
  } catch (error) {
    throw new FatalError({
      code: 'BAD_SCHEMA',
      message: `not an Avro schema: ${messageOf(error).slice(0, 200)}`,
      exitCode: exitCodes.config,
      cause: error,
    })
  }
}

function ambiguousUnion(type: Type, seen: Set<Type>): Type | undefined {
  if (seen.has(type)) return undefined
  seen.add(type)
  const { types } = avro
  if (type instanceof types.WrappedUnionType) return type
  if (type instanceof types.UnwrappedUnionType) {
    // To avsc a long of ours is of no kind: it would find two numbers only when one comes.
    const numbers = type.types.filter(({ typeName }) => numberTypes.has(typeName))
    return numbers.length > 1 ? type : firstOf(type.types, seen)
  }
  if (type instanceof types.RecordType) {
    return firstOf(
      type.fields.map((field) => field.type),
      seen,
    )
  }
  if (type instanceof types.ArrayType) return ambiguousUnion(type.itemsType, seen)
  if (type instanceof types.MapType) return ambiguousUnion(type.valuesType, seen)
  return undefined
}

const numberTypes = new Set(['int', 'long', 'abstract:long', 'float', 'double'])

function firstOf(types: readonly Type[], seen: Set<Type>): Type | undefined {
  for (const type of types) {
    const found = ambiguousUnion(type, seen)
    if (found !== undefined) return found
  }
  return undefined
}

/** Where a record departs from its type, in words. */
function faultOf(type: Type, record: unknown): string {
  let fault = `not a value of ${type.toString().slice(0, 200)}`
  type.isValid(record, {
    errorHook(path, value, expected) {
      fault = `${path.join('.') || 'the record'} is a value of ${expected.toString()}, was ${shown(value)}`.slice(
        0,
        300,
      )
    },
  })
  return fault
}

function shown(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value) : String(value)
}
