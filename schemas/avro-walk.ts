import type { Type } from 'avsc'
import avro from 'avsc'

/**
 * Walks one value of a schema without reading it.
 *
 * @returns Where it ends; -1 where the bytes before `to` are not such a value.
 */
export type AvroWalk = (bytes: Uint8Array, at: number, to: number) => number

const varintBytesMax = 10
/** Values nested deeper (recursive schemas) are taken for an attack. */
const depthMax = 64

/** End of the varint at `at`; -1 where it is longer than 10 bytes or passes `to`. */
export function varintEnd(bytes: Uint8Array, at: number, to: number): number {
  const limit = Math.min(to, at + varintBytesMax)
  for (let p = at; p < limit; p++) if ((bytes[p] as number) < 128) return p + 1
  return -1
}

/** The zigzag varint in `[at, end)`, rounded to a double: exact for everything that can be a length. */
function numberIn(bytes: Uint8Array, at: number, end: number): number {
  let value = 0
  for (let p = end - 1; p >= at; p--) value = value * 128 + ((bytes[p] as number) & 127)
  return value % 2 === 1 ? -(value + 1) / 2 : value / 2
}

const fixedWalk =
  (size: number): AvroWalk =>
  (_bytes, at, to) =>
    at + size <= to ? at + size : -1

const booleanWalk: AvroWalk = (bytes, at, to) => (at < to && (bytes[at] as number) <= 1 ? at + 1 : -1)

const intWalk: AvroWalk = (bytes, at, to) => {
  const end = varintEnd(bytes, at, to)
  if (end < 0) return -1
  const value = numberIn(bytes, at, end)
  return value === (value | 0) ? end : -1
}

const stringWalk: AvroWalk = (bytes, at, to) => {
  const start = varintEnd(bytes, at, to)
  if (start < 0) return -1
  const length = numberIn(bytes, at, start)
  return length >= 0 && length <= to - start ? start + length : -1
}

const primitives = new Map<string, AvroWalk>([
  ['null', fixedWalk(0)],
  ['boolean', booleanWalk],
  ['int', intWalk],
  ['long', varintEnd],
  ['abstract:long', varintEnd],
  ['float', fixedWalk(4)],
  ['double', fixedWalk(8)],
  ['bytes', stringWalk],
  ['string', stringWalk],
])

/**
 * Makes the walk of a type: every length, index and depth is checked, so that a schema library may read what passed.
 * Time is linear in the bytes: arrays of items without bytes (null, empty records) are refused here.
 *
 * @throws {TypeError} When the type cannot be walked in bounded time.
 */
export function avroWalk(type: Type): AvroWalk {
  const known = new Map<Type, AvroWalk>()
  let depth = 0

  const branch = (count: number, bytes: Uint8Array, at: number, to: number): number => {
    const end = varintEnd(bytes, at, to)
    const index = end < 0 ? -1 : numberIn(bytes, at, end)
    return index >= 0 && index < count ? index : -1
  }

  const nested =
    (walk: AvroWalk): AvroWalk =>
    (bytes, at, to) => {
      if (depth >= depthMax) return -1
      depth++
      const end = walk(bytes, at, to)
      depth--
      return end
    }

  const blocks = (item: AvroWalk): AvroWalk => {
    return (bytes, from, to) => {
      for (let at = from; ; ) {
        const start = varintEnd(bytes, at, to)
        if (start < 0) return -1
        const count = numberIn(bytes, at, start)
        at = start
        if (count === 0) return at
        if (count < 0) {
          at = varintEnd(bytes, start, to)
          if (at < 0 || numberIn(bytes, start, at) < 0) return -1
        }
        if (Math.abs(count) > to - at) return -1
        for (let left = Math.abs(count); left > 0; left--) {
          at = item(bytes, at, to)
          if (at < 0) return -1
        }
      }
    }
  }

  const make = (of: Type): AvroWalk => {
    const { types } = avro
    if (of instanceof types.FixedType) return fixedWalk(of.size)
    if (of instanceof types.EnumType) {
      const count = of.symbols.length
      return (bytes, at, to) => (branch(count, bytes, at, to) < 0 ? -1 : varintEnd(bytes, at, to))
    }
    if (of instanceof types.RecordType) {
      const fields = of.fields.map((field) => walkOf(field.type))
      return nested((bytes, from, to) => {
        let at = from
        for (const field of fields) if (at >= 0) at = field(bytes, at, to)
        return at
      })
    }
    if (of instanceof types.WrappedUnionType || of instanceof types.UnwrappedUnionType) {
      const branches = of.types.map(walkOf)
      return nested((bytes, at, to) => {
        const walk = branches[branch(branches.length, bytes, at, to)]
        return walk === undefined ? -1 : walk(bytes, varintEnd(bytes, at, to), to)
      })
    }
    if (of instanceof types.ArrayType) {
      if (bytesMin(of.itemsType) === 0) throw new TypeError('an array holds items without bytes')
      return nested(blocks(walkOf(of.itemsType)))
    }
    if (of instanceof types.MapType) {
      const value = walkOf(of.valuesType)
      return nested(
        blocks((bytes, at, to) => {
          const end = stringWalk(bytes, at, to)
          return end < 0 ? -1 : value(bytes, end, to)
        }),
      )
    }
    throw new TypeError(`no walk for Avro type ${of.typeName}`)
  }

  const walkOf = (of: Type): AvroWalk => {
    const primitive = primitives.get(of.typeName)
    if (primitive !== undefined) return primitive
    const made = known.get(of)
    if (made !== undefined) return made
    let target: AvroWalk = () => -1
    // A recursive type meets this one while it is made.
    known.set(of, (bytes, at, to) => target(bytes, at, to))
    target = make(of)
    known.set(of, target)
    return target
  }

  const root = walkOf(type)
  return (bytes, at, to) => {
    depth = 0
    return root(bytes, at, to)
  }
}

/** Whether values of a type may have no bytes at all: 0, else 1. */
function bytesMin(type: Type, seen: ReadonlySet<Type> = new Set()): 0 | 1 {
  if (type.typeName === 'null') return 0
  if (type instanceof avro.types.FixedType) return type.size === 0 ? 0 : 1
  if (!(type instanceof avro.types.RecordType) || seen.has(type)) return 1
  const within = new Set(seen).add(type)
  return type.fields.some((field) => bytesMin(field.type, within) === 1) ? 1 : 0
}
