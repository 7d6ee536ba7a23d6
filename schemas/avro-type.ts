/**
 * The TypeScript type of the values of an Avro schema that is declared `as const`.
 *
 * `int`, `long`, `float` and `double` are numbers, with or without a logical type (`timestamp-millis`: epoch ms); `bytes`
 * and `fixed` are `Uint8Array`; an enum is the union of its symbols; a union is the union of its branches, unwrapped. A
 * name stands for the type that was defined under it. What is no Avro schema is `never`.
 */
export type RecordOf<Schema> = ValueOf<Schema, DefinitionOf<Schema>>

interface Primitives {
  readonly null: null
  readonly boolean: boolean
  readonly int: number
  readonly long: number
  readonly float: number
  readonly double: number
  readonly string: string
  readonly bytes: Uint8Array
}

interface RecordSchema<Fields extends readonly unknown[] = readonly unknown[]> {
  readonly type: 'record'
  readonly fields: Fields
}

interface EnumSchema<Symbol extends string = string> {
  readonly type: 'enum'
  readonly symbols: readonly Symbol[]
}

interface ArraySchema<Items = unknown> {
  readonly type: 'array'
  readonly items: Items
}

interface MapSchema<Values = unknown> {
  readonly type: 'map'
  readonly values: Values
}

/** `Definition` is the union of the named types in reach. */
type ValueOf<Schema, Definition> = Schema extends keyof Primitives
  ? Primitives[Schema]
  : Schema extends string
    ? ValueOf<Extract<Definition, { readonly name: Schema }>, Definition>
    : Schema extends readonly (infer Branch)[]
      ? ValueOf<Branch, Definition>
      : Schema extends RecordSchema<infer Fields>
        ? { readonly [F in Fields[number] as NameOf<F>]: ValueOf<TypeOf<F>, Definition> }
        : Schema extends EnumSchema<infer Symbol>
          ? Symbol
          : Schema extends ArraySchema<infer Items>
            ? readonly ValueOf<Items, Definition>[]
            : Schema extends MapSchema<infer Values>
              ? { readonly [key: string]: ValueOf<Values, Definition> }
              : Schema extends { readonly type: 'fixed' }
                ? Uint8Array
                : Schema extends { readonly type: infer Inner }
                  ? ValueOf<Inner, Definition>
                  : never

type NameOf<Field> = Field extends { readonly name: infer Name extends string } ? Name : never
type TypeOf<Field> = Field extends { readonly type: infer Type } ? Type : never

/** Every named type that a schema defines, itself included. */
type DefinitionOf<Schema> = Schema extends string
  ? never
  : Schema extends readonly (infer Branch)[]
    ? DefinitionOf<Branch>
    : Schema extends RecordSchema<infer Fields>
      ? Schema | DefinitionOf<TypeOf<Fields[number]>>
      : Schema extends EnumSchema | { readonly type: 'fixed' }
        ? Schema
        : Schema extends ArraySchema<infer Items>
          ? DefinitionOf<Items>
          : Schema extends MapSchema<infer Values>
            ? DefinitionOf<Values>
            : Schema extends { readonly type: infer Inner }
              ? DefinitionOf<Inner>
              : never
