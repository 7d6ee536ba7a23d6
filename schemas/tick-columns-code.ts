import type { Type } from 'avsc'
import avro from 'avsc'
import { type AvroWalk, avroWalk } from './avro-walk.ts'
import type { TickColumns } from './columns.ts'
import type { Intern } from './intern-cache.ts'
import type { Interner } from './interner.ts'
import { idOrderNames, sideNames } from './tick.ts'
import { framingBytes, framingMagic, valueBytesMax } from './wire-format.ts'

/** What became of one value. */
export const read = {
  ok: 0,
  cut: 1,
  trailing: 2,
  longRange: 3,
  enumIndex: 4,
  symbolLength: 5,
  lineLength: 6,
  symbolsFull: 7,
  linesFull: 8,
  notUtf8: 9,
  unreadable: 10,
} as const

/** Longer symbols and lines never reach a table: a symbol that Redwick accepts has at most 32 bytes. */
export const symbolBytesMax = 32
export const lineBytesMax = 256

/** Reads the Avro body in `[from, to)` into row `row`; the row holds nothing unless it returns `read.ok`. */
export type ColumnRead = (
  bytes: Uint8Array,
  view: DataView,
  viewStart: number,
  from: number,
  to: number,
  row: number,
) => number

/**
 * Reads values one after another into rows from `row` on, each framed with `schemaId`, for as long as they are good and
 * their names are known to be (ids below `goodNames`).
 *
 * @returns Index of the first value that it did not take.
 */
export type ColumnRunRead = (
  bytes: Uint8Array,
  view: DataView,
  viewStart: number,
  starts: Int32Array,
  ends: Int32Array,
  from: number,
  end: number,
  row: number,
  offset: number,
  appendTime: number,
  schemaId: number,
  goodNames: Int32Array,
) => number

/** A compiled reader: of one value, and of a run of them without a call for each. */
export interface CompiledRead {
  readonly one: ColumnRead
  readonly run: ColumnRunRead
}

export interface ColumnTarget {
  readonly columns: TickColumns
  readonly symbols: Interner
  readonly lines: Interner
  readonly internSymbol: Intern
  readonly internLine: Intern
}

const stringColumns = ['symbol', 'line'] as const
const longColumns = ['eventTime', 'tradeId', 'sequence'] as const
const doubleColumns = ['price', 'size'] as const
const enumColumns = new Map<string, { readonly names: readonly string[]; readonly other: string }>([
  ['side', { names: sideNames, other: 'unknown' }],
  ['idOrder', { names: idOrderNames, other: 'unordered' }],
])
const needed: readonly string[] = [...stringColumns, ...longColumns, ...doubleColumns, ...enumColumns.keys()]

/** All four continuation bits of a word. */
const goesOn = 0x80808080 | 0

/** Four varint bytes that all go on, as a word: their 28 bits at once. */
const wordBits = '(w & 127) | (w >>> 1 & 0x3f80) | (w >>> 2 & 0x1fc000) | (w >>> 3 & 0xfe00000)'

/**
 * Reads a zigzag varint into `v`: 42 bits in integers (times fit), the rest in doubles. Long ones (times, trade ids) take
 * their first four bytes in one step. It may read past `to` (at most ten bytes; past the buffer they read as none): the
 * place after the last field tells, before anything is kept.
 */
const longCode = `
if (p + 4 <= to && ((w = dv.getInt32(base + p, true)) & ${goesOn}) === ${goesOn}) {
  lo = ${wordBits}; p += 4; x = 128
} else {
  x = b[p++]; lo = x & 127
  if (x > 127) {
    x = b[p++]; lo |= (x & 127) << 7
    if (x > 127) {
      x = b[p++]; lo |= (x & 127) << 14
      if (x > 127) {
        x = b[p++]; lo |= (x & 127) << 21
      }
    }
  }
}
if (!(x > 127)) v = (lo >>> 1) ^ -(lo & 1)
else {
  x = b[p++]; v = x & 127
  if (x > 127) {
    x = b[p++]; v |= (x & 127) << 7
    m = 16384; k = 6
    while (x > 127) {
      if (k++ === 10) return ${read.cut}
      x = b[p++]; v += (x & 127) * m; m *= 128
    }
  }
  v = v * 134217728 + (lo >>> 1)
  if (lo & 1) v = -v - 1
  if (v > 9007199254740991 || v < -9007199254740991) return ${read.longRange}
}`

/** A varint of one byte nearly always: a length, the place of an enum's symbol. */
const shortCode = `
x = b[p]
if (x < 128) { p++; v = (x >>> 1) ^ -(x & 1) }
else {${longCode}
}`

/** Reads a number of a writer's type into `v`; undefined for any other type. */
function numberCode(typeName: string): string | undefined {
  if (typeName === 'double') return `if (p + 8 > to) return ${read.cut}\nv = dv.getFloat64(base + p, true); p += 8`
  if (typeName === 'float') return `if (p + 4 > to) return ${read.cut}\nv = dv.getFloat32(base + p, true); p += 4`
  if (typeName === 'abstract:long') return longCode
  if (typeName === 'int') return `${longCode}\nif (v !== (v | 0)) return ${read.cut}`
  return undefined
}

const lengthCode = `${shortCode}\nif (v < 0 || v > to - p) return ${read.cut}`
const stringTypes = ['string', 'bytes']

/** Source that reads one needed field; undefined where the writer's type takes the general way. */
function neededCode(field: string, type: Type, tables: number[][]): string | undefined {
  const number = numberCode(type.typeName)
  if (doubleColumns.some((name) => name === field)) return number && `${number}\n${field}_ = v`
  if (longColumns.some((name) => name === field)) return number && `${number}\n${field}_ = v`
  if (stringColumns.some((name) => name === field)) {
    if (!stringTypes.includes(type.typeName)) return undefined
    return `${lengthCode}\n${field}_ = p; p += v; ${field}End = p`
  }
  const target = enumColumns.get(field)
  if (target === undefined || !(type instanceof avro.types.EnumType)) return undefined
  const other = target.names.indexOf(target.other)
  const codes = type.symbols.map((symbol) => target.names.indexOf(symbol))
  tables.push(codes.map((code) => (code < 0 ? other : code)))
  const table = tables.length - 1
  return `${shortCode}\nif (v < 0 || v >= ${type.symbols.length}) return ${read.enumIndex}\n${field}_ = tables[${table}][v]`
}

/** Source that passes over one field. */
function skipCode(type: Type, walks: AvroWalk[]): string {
  const name = type.typeName
  if (name === 'null') return ''
  if (name === 'double') return `p += 8; if (p > to) return ${read.cut}`
  if (name === 'float') return `p += 4; if (p > to) return ${read.cut}`
  if (stringTypes.includes(name)) return `${lengthCode}\np += v`
  if (name === 'abstract:long')
    return `k = p + 10
if (p + 4 <= to && (dv.getInt32(base + p, true) & ${goesOn}) === ${goesOn}) p += 4
do { if (p >= k) return ${read.cut} } while (b[p++] > 127)`
  walks.push(avroWalk(type))
  return `p = walks[${walks.length - 1}](b, p, to); if (p < 0) return ${read.cut}`
}

/**
 * Compiles a reader straight from bytes into columns for one writer schema. The source is made of our own text and
 * numbers only: nothing of the schema's text enters it.
 *
 * @param writer The writer's record type, already found to resolve to `tickAvro`.
 * @returns Undefined where a needed field has a shape that takes the general way (a union, say).
 */
export function compileColumnRead(writer: Type, target: ColumnTarget): CompiledRead | undefined {
  if (!(writer instanceof avro.types.RecordType)) return undefined
  const tables: number[][] = []
  const walks: AvroWalk[] = []
  const present = new Set<string>()
  let body = ''
  for (const field of writer.fields) {
    const column = needed.find((name) => name === field.name)
    const code = column === undefined ? skipCode(field.type, walks) : neededCode(column, field.type, tables)
    if (code === undefined) return undefined
    if (column !== undefined) present.add(column)
    body += `${code}\n`
  }
  // Of the needed fields only these have a default in `tickAvro`; any other absence did not resolve.
  const internedLine = present.has('line') ? 'internLine(b, dv, base, line_, lineEnd)' : "lines.internName('default')"
  // Most ticks come by the line of the one before: of 4 to 8 bytes, two words tell.
  const sameLine = `v = lineEnd - line_
if (v >= 4 && v <= 8) {
  x = dv.getInt32(base + line_); lo = dv.getInt32(base + lineEnd - 4)
  if (v !== sameLength || x !== sameFirst || lo !== sameLast) {
    sameId = internLine(b, dv, base, line_, lineEnd); sameLength = v; sameFirst = x; sameLast = lo
  }
  lineId = sameId
} else lineId = ${internedLine}`
  const variables = `
let x = 0, lo = 0, m = 0, k = 0, v = 0, w = 0
let symbol_ = 0, symbolEnd = 0, line_ = 0, lineEnd = 0, eventTime_ = 0, price_ = 0, size_ = 0
let side_ = 0, idOrder_ = 0, tradeId_ = 0, sequence_ = 0, lineId = -1`
  const value = `
${body}
if (p > to) return ${read.cut}
if (p < to) return ${read.trailing}
if (symbolEnd - symbol_ > ${symbolBytesMax}) return ${read.symbolLength}
if (lineEnd - line_ > ${lineBytesMax}) return ${read.lineLength}
const symbolId = internSymbol(b, dv, base, symbol_, symbolEnd)
if (symbolId < 0) return ${read.symbolsFull}
${present.has('line') ? sameLine : `lineId = ${internedLine}`}
if (lineId < 0) return ${read.linesFull}`
  const store = `
symbol[row] = symbolId; line[row] = lineId; eventTime[row] = eventTime_; price[row] = price_; size[row] = size_
side[row] = side_; idOrder[row] = idOrder_; tradeId[row] = tradeId_; sequence[row] = sequence_`
  const source = `"use strict"
const { symbol, line, eventTime, price, size, side, idOrder, tradeId, sequence, offset, appendTime } = columns
let sameId = -1, sameLength = -1, sameFirst = 0, sameLast = 0
return {
one(b, dv, base, p, to, row) {${variables}${value}${store}
return ${read.ok}
},
run(b, dv, base, starts, ends, from, end, row, firstOffset, time, schemaId, goodNames) {${variables}
const goodSymbols = goodNames[0], goodLines = goodNames[1]
for (let i = from; i < end; i++) {
let p = starts[i]
const to = ends[i]
const length = to - p
if (length < ${framingBytes} || length > ${valueBytesMax} || b[p] !== ${framingMagic}) return i
if (dv.getInt32(base + p + 1) !== schemaId) return i
p += ${framingBytes}
${value.replace(/return \d+/g, 'return i')}
if (symbolId >= goodSymbols || lineId >= goodLines) return i${store}
offset[row] = firstOffset + (i - from)
appendTime[row] = time
row++
}
return end
}
}`
  const factory = new Function('columns', 'internSymbol', 'internLine', 'lines', 'tables', 'walks', source)
  const { columns, internSymbol, internLine, lines } = target
  const compiled: unknown = factory(columns, internSymbol, internLine, lines, tables, walks)
  return isCompiledRead(compiled) ? compiled : undefined
}

function isCompiledRead(value: unknown): value is CompiledRead {
  return typeof value === 'object' && value !== null && 'one' in value && 'run' in value
}
