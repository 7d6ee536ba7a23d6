import { type AvroReader, avroReaders } from './avro-reader.ts'
import { type Pushed, pushed } from './batch-decoder.ts'
import type { TickDecoder } from './columns.ts'
import { batchRowsMax, createTickColumns, type PlacedControl, type RefusedRecord } from './columns.ts'
import { type ControlFields, controlOf, controlReaders, isControlKind } from './control-codec.ts'
import { type DeadLetterReason, deadLetterPayloadBytesMax } from './dead-letter.ts'
import { createInternCache } from './intern-cache.ts'
import type { Interner } from './interner.ts'
import { tickAvro } from './tick.ts'
import { type ColumnTarget, type CompiledRead, compileColumnRead, read } from './tick-columns-code.ts'
import { type ColumnTick, columnTickAvro, generalColumnRead, replacement } from './tick-columns-general.ts'
import { framingBytes, isFramed, schemaIdAt, valueBytesMax } from './wire-format.ts'

export interface TickColumnDecoderOptions {
  readonly symbols: Interner
  readonly lines: Interner
  /** The registry's answer: the Avro schema, or undefined where it does not know the id. Rejects when it is down. */
  fetchSchema(schemaId: number): Promise<object | undefined>
  /** Schemas that are known without asking, by id. */
  readonly schemas?: ReadonlyMap<number, object>
  /** Rows, control and refused records in a batch, at most. Default 4,096. */
  readonly rowsMax?: number
  /** Compiles readers for flat schemas. Default true; false takes the general way for all. */
  readonly compile?: boolean
}

interface Refusal {
  readonly reason: DeadLetterReason
  readonly detail: string
}

/** How values of one schema are read; a run at a time only where the reader is compiled. */
type TickRead = Pick<CompiledRead, 'one'> & Partial<CompiledRead>

/** What is known of a schema id, for ticks or for control records. */
type Known<T> = { readonly use: T } | { readonly use: undefined; readonly refusal: Refusal }

const schemasMax = 1024
const unknownIdsMax = 4096
const controlBytesMax = 4_194_304

const unknownSchema: Refusal = { reason: 'UNKNOWN_SCHEMA', detail: 'the registry does not know the schema id' }
const noValue: Refusal = { reason: 'NO_VALUE', detail: 'the record has no value' }
const oversized: Refusal = { reason: 'OVERSIZED', detail: `the value is larger than ${valueBytesMax} bytes` }
const notFramed: Refusal = { reason: 'MALFORMED', detail: 'the value is not framed with a schema id' }
const unknownKind: Refusal = { reason: 'BAD_CONTROL', detail: 'the header names no known kind of control record' }
const badControl: Refusal = {
  reason: 'BAD_CONTROL',
  detail: 'the value is no control record of the kind in the header',
}

const refusals = new Map<number, Refusal>([
  [read.cut, { reason: 'MALFORMED', detail: 'a field passes the end of the value, or is no value of its type' }],
  [read.trailing, { reason: 'MALFORMED', detail: 'bytes follow the record' }],
  [read.longRange, { reason: 'MALFORMED', detail: 'a long is outside ±(2^53 - 1)' }],
  [read.enumIndex, { reason: 'MALFORMED', detail: 'an enum has no such index' }],
  [read.unreadable, { reason: 'MALFORMED', detail: 'the value is not exactly one record of its schema' }],
  [read.notUtf8, { reason: 'MALFORMED', detail: 'the symbol or the line is not UTF-8' }],
  [read.lineLength, { reason: 'MALFORMED', detail: 'the line is too long' }],
  [read.symbolLength, { reason: 'BAD_SYMBOL', detail: 'the symbol is too long' }],
  [read.symbolsFull, { reason: 'BAD_SYMBOL', detail: 'the symbol table is full' }],
  [read.linesFull, { reason: 'BAD_SYMBOL', detail: 'the line table is full' }],
])

const resolveTick = avroReaders<unknown>(tickAvro)
const columnTickReaders = avroReaders<ColumnTick>(columnTickAvro)
const noView = new DataView(new ArrayBuffer(0))
const noBytes = new Uint8Array(0)

/** Decodes framed Avro ticks and control records into columns: compiled readers for flat schemas, avsc for the rest. */
export function createTickColumnDecoder(options: TickColumnDecoderOptions): TickDecoder {
  const { symbols, lines, rowsMax = batchRowsMax, compile = true } = options
  const columns = createTickColumns(rowsMax)
  const target: ColumnTarget = {
    columns,
    symbols,
    lines,
    internSymbol: createInternCache(symbols, rowsMax),
    internLine: createInternCache(lines, rowsMax),
  }
  const schemas = new Map<number, object>(options.schemas)
  const unknownIds = new Set<number>()
  const tickReads = new Map<number, Known<TickRead>>()
  const controlReads = new Map<number, Known<AvroReader<ControlFields>>>()
  /** Symbols and lines below these ids are UTF-8. */
  const goodNames = new Int32Array(2)
  const symbolNames = createNameCheck(symbols, goodNames, 0)
  const lineNames = createNameCheck(lines, goodNames, 1)

  let controls: PlacedControl[] = []
  let refused: RefusedRecord[] = []
  let controlBytes = 0
  let taken = false
  let wanted = -1
  let lastId = -1
  let lastRead: TickRead | undefined
  let viewed: Uint8Array | undefined
  let viewStart = 0
  let view: DataView = noView

  const renew = () => {
    taken = false
    columns.verdict.fill(0, 0, columns.length)
    columns.length = 0
    controls = []
    refused = []
    controlBytes = 0
  }

  const refuse = (
    refusal: Refusal,
    offset: number,
    schemaId: number | null,
    value: Uint8Array,
    from: number,
    to: number,
  ): Pushed => {
    // Not `slice`: a Buffer's shares its bytes.
    const payload = new Uint8Array(value.subarray(from, Math.min(to, from + deadLetterPayloadBytesMax)))
    refused.push({ offset, reason: refusal.reason, detail: refusal.detail, schemaId, payload })
    return pushed.taken
  }

  const known = <T>(reads: Map<number, Known<T>>, id: number, make: (schema: object) => Known<T>) => {
    const made = reads.get(id)
    if (made !== undefined) return made
    const schema = schemas.get(id)
    if (schema === undefined) return unknownIds.has(id) ? { use: undefined, refusal: unknownSchema } : undefined
    const fresh = make(schema)
    reads.set(id, fresh)
    return fresh
  }

  const makeTickRead = (schema: object): Known<TickRead> => {
    const whole = resolveTick(schema)
    const outcome = whole.reader === undefined ? whole : columnTickReaders(schema)
    if (outcome.reader === undefined)
      return { use: undefined, refusal: { reason: 'INCOMPATIBLE_SCHEMA', detail: outcome.detail } }
    const compiled = compile ? compileColumnRead(outcome.writer, target) : undefined
    return { use: compiled ?? { one: generalColumnRead(outcome.reader, target) } }
  }

  const makeControlRead = (schema: object): Known<AvroReader<ControlFields>> => {
    const outcome = controlReaders(schema)
    if (outcome.reader !== undefined) return { use: outcome.reader }
    return { use: undefined, refusal: { reason: 'INCOMPATIBLE_SCHEMA', detail: outcome.detail } }
  }

  /** One view serves every value of a segment. */
  const look = (value: Uint8Array): void => {
    if (value === viewed) return
    viewed = value
    viewStart = value.byteOffset
    if (value.buffer !== view.buffer) view = new DataView(value.buffer)
  }

  const needs = (id: number): Pushed => {
    wanted = id
    return pushed.needsSchema
  }

  const pushControl = (
    value: Uint8Array,
    from: number,
    to: number,
    offset: number,
    appendTime: number,
    kind: string,
  ): Pushed => {
    const id = schemaIdAt(value, from)
    const found = known(controlReads, id, makeControlRead)
    if (found === undefined) return needs(id)
    if (found.use === undefined) return refuse(found.refusal, offset, id, value, from, to)
    const fields = found.use.read(value, from + framingBytes, to)
    const record = fields?.kind === kind ? controlOf(fields) : undefined
    if (record === undefined) return refuse(badControl, offset, id, value, from, to)
    controls.push({ row: columns.length, offset, appendTime, record })
    controlBytes += to - from
    return pushed.taken
  }

  return {
    push(value, from, to, offset, appendTime, controlKind) {
      if (taken) renew()
      if (columns.length + controls.length + refused.length >= rowsMax || controlBytes >= controlBytesMax)
        return pushed.full
      if (controlKind !== undefined && !isControlKind(controlKind))
        return refuse(unknownKind, offset, null, value ?? noBytes, from, to)
      // A marker of history, or a release, stands first in its batch: what came before it is committed before it is applied.
      if (
        (controlKind === 'history' || controlKind === 'release') &&
        columns.length + controls.length + refused.length > 0
      )
        return pushed.full
      if (value === null) return refuse(noValue, offset, null, noBytes, 0, 0)
      if (to - from > valueBytesMax) return refuse(oversized, offset, null, value, from, to)
      if (from < 0 || to > value.length || !isFramed(value, from, to))
        return refuse(notFramed, offset, null, value, from, to)
      if (controlKind !== undefined) return pushControl(value, from, to, offset, appendTime, controlKind)

      const id = schemaIdAt(value, from)
      if (id !== lastId || lastRead === undefined) {
        const found = known(tickReads, id, makeTickRead)
        if (found === undefined) return needs(id)
        if (found.use === undefined) return refuse(found.refusal, offset, id, value, from, to)
        lastId = id
        lastRead = found.use
      }
      look(value)
      const row = columns.length
      let code = lastRead.one(value, view, viewStart, from + framingBytes, to, row)
      if (code === read.ok && !(symbolNames(columns.symbol[row] as number) && lineNames(columns.line[row] as number)))
        code = read.notUtf8
      if (code !== read.ok) return refuse(refusals.get(code) ?? notFramed, offset, id, value, from, to)
      columns.offset[row] = offset
      columns.appendTime[row] = appendTime
      columns.length = row + 1
      return pushed.taken
    },
    pushRun(bytes, starts, ends, from, to, offset, appendTime) {
      if (taken) renew()
      if (lastRead?.run === undefined) return from
      const row = columns.length
      const end = Math.min(to, from + rowsMax - row - controls.length - refused.length)
      look(bytes)
      const next = lastRead.run(
        bytes,
        view,
        viewStart,
        starts,
        ends,
        from,
        end,
        row,
        offset,
        appendTime,
        lastId,
        goodNames,
      )
      columns.length = row + next - from
      return next
    },
    get wantedSchemaId() {
      return wanted
    },
    async resolveSchema(schemaId) {
      const schema = await options.fetchSchema(schemaId)
      if (lastId === schemaId) lastRead = undefined
      for (const map of [schemas, tickReads, controlReads, unknownIds]) map.delete(schemaId)
      if (schema === undefined) {
        unknownIds.add(schemaId)
        dropOldest(unknownIds, unknownIdsMax)
        return
      }
      schemas.set(schemaId, schema)
      for (const id of dropOldest(schemas, schemasMax)) {
        tickReads.delete(id)
        controlReads.delete(id)
      }
    },
    isCopying: true,
    get pending() {
      return taken ? 0 : columns.length + controls.length + refused.length
    },
    take(partition, baseOffset, nextOffset) {
      if (taken) renew()
      taken = true
      // The view would keep a whole fetch alive.
      viewed = undefined
      view = noView
      return { partition, baseOffset, nextOffset, columns, controls, refused }
    },
  }
}

/** Whether an id's bytes are UTF-8: each id is looked at once. While all are, `good[at]` is the number looked at. */
function createNameCheck(interner: Interner, good: Int32Array, at: number): (id: number) => boolean {
  const lossy = new Set<number>()
  let checked = 0
  return (id) => {
    for (; checked <= id; checked++) if (interner.name(checked).includes(replacement)) lossy.add(checked)
    good[at] = lossy.size === 0 ? checked : 0
    return lossy.size === 0 || !lossy.has(id)
  }
}

/** Takes the oldest keys out until at most `max` are left. */
function dropOldest(
  from: { readonly size: number; keys(): Iterable<number>; delete(key: number): boolean },
  max: number,
) {
  const dropped: number[] = []
  for (const key of from.keys()) {
    if (from.size <= max) break
    from.delete(key)
    dropped.push(key)
  }
  return dropped
}
