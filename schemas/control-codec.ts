import { avroReaders } from './avro-reader.ts'
import { createAvroWriter } from './avro-writer.ts'
import { type ControlKind, type ControlRecord, controlAvro } from './control.ts'
import { createFramedDecoder, type FetchSchema, type FramedDecoder } from './framed-decoder.ts'

/** The Avro record of all kinds. */
export interface ControlFields {
  readonly kind: string
  readonly line: string
  readonly symbol: string
  readonly from: number
  readonly to: number
  readonly cursor: string | null
  readonly source: string
  readonly position: number
  readonly reason: string
  readonly detail: string
  readonly payload: string
  readonly upTo: number
}

const nothing: Omit<ControlFields, 'kind' | 'line'> = {
  symbol: '',
  from: 0,
  to: 0,
  cursor: null,
  source: '',
  position: 0,
  reason: '',
  detail: '',
  payload: '',
  upTo: 0,
}

/** A control record as a framed Avro value in a buffer of its own. @param schemaId Id that the registry gave `controlAvro`. */
export function createControlEncoder(schemaId: number): (record: ControlRecord) => Buffer {
  const writer = createAvroWriter(schemaId)
  return (record) => {
    const fields: ControlFields = { ...nothing, ...record }
    writer.start()
    writer.string(fields.kind)
    writer.string(fields.line)
    writer.string(fields.symbol)
    writer.long(fields.from)
    writer.long(fields.to)
    writer.long(fields.cursor === null ? 0 : 1)
    if (fields.cursor !== null) writer.string(fields.cursor)
    writer.string(fields.source)
    writer.long(fields.position)
    writer.string(fields.reason)
    writer.string(fields.detail)
    writer.string(fields.payload)
    writer.long(fields.upTo)
    return writer.finish()
  }
}

/** Readers of control records, by writer schema. */
export const controlReaders: ReturnType<typeof avroReaders<ControlFields>> = avroReaders<ControlFields>(controlAvro)

const kinds: readonly ControlKind[] = ['heartbeat', 'end', 'move', 'history', 'release', 'reject']

export function isControlKind(kind: string): kind is ControlKind {
  return kinds.some((known) => known === kind)
}

/** The control record of decoded fields; undefined for a kind that is not known. */
export function controlOf(fields: ControlFields): ControlRecord | undefined {
  const { kind, line, symbol, from, to, cursor, source, position, reason, detail, payload, upTo } = fields
  if (!isControlKind(kind)) return undefined
  switch (kind) {
    case 'heartbeat':
      return { kind, line, from, to, cursor }
    case 'end':
      return { kind, line }
    case 'move':
      return { kind, line, symbol }
    case 'history':
      return { kind, line, upTo }
    case 'release':
      return { kind, line, symbol }
    case 'reject':
      return { kind, line, source, position, reason, detail, payload }
  }
}

/** Decodes control records of any writer schema that resolves to `controlAvro`. */
export function createControlDecoder(fetchSchema: FetchSchema): FramedDecoder<ControlRecord> {
  return createFramedDecoder(controlAvro, fetchSchema, controlOf)
}
