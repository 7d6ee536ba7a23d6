import { pushed } from '../../schemas/batch-decoder.ts'
import type { TickDecoder } from '../../schemas/columns.ts'
import { batchRowsMax, createTickColumns, type PlacedControl, type RefusedRecord } from '../../schemas/columns.ts'

/** Value that a test record carries: 8 bytes, then padding. */
export function numberValue(value: number, bytes = 8): Buffer {
  const buffer = Buffer.alloc(bytes)
  buffer.writeDoubleLE(value)
  return buffer
}

interface NumberDecoderOptions {
  /** Called for values below 0, as for a schema that is not here yet: -1 asks for id 1, and so on. */
  readonly resolve?: (schemaId: number) => Promise<void>
  /** Takes what was found out about each pushed record. */
  readonly seen?: (record: { value: number | null; controlKind: string | undefined }) => void
}

/** A decoder for contract tests: a record's number becomes the row's price; a null value is refused. */
export function createNumberDecoder(options: NumberDecoderOptions = {}): TickDecoder {
  const columns = createTickColumns(batchRowsMax)
  const known = new Set<number>()
  let controls: PlacedControl[] = []
  let refused: RefusedRecord[] = []
  let wantedSchemaId = 0
  let taken = false
  return {
    pushRun: (_bytes, _starts, _ends, from) => from,
    get wantedSchemaId() {
      return wantedSchemaId
    },
    get pending() {
      return (taken ? 0 : columns.length) + controls.length + refused.length
    },
    push(value, from, to, offset, appendTime, controlKind) {
      if (taken) columns.length = 0
      taken = false
      const row = columns.length
      if (row === columns.capacity) return pushed.full
      const number =
        value === null ? null : new DataView(value.buffer, value.byteOffset + from, to - from).getFloat64(0, true)
      if (number !== null && number < 0 && !known.has(-number)) {
        wantedSchemaId = -number
        return pushed.needsSchema
      }
      options.seen?.({ value: number, controlKind })
      if (controlKind !== undefined)
        controls.push({ row, offset, appendTime, record: { kind: 'end', line: controlKind } })
      else if (number === null)
        refused.push({ offset, reason: 'NO_VALUE', detail: '', schemaId: null, payload: new Uint8Array() })
      else {
        columns.offset[row] = offset
        columns.appendTime[row] = appendTime
        columns.price[row] = number
        columns.length += 1
      }
      return pushed.taken
    },
    async resolveSchema(schemaId) {
      await options.resolve?.(schemaId)
      known.add(schemaId)
    },
    take(partition, baseOffset, nextOffset) {
      if (taken) columns.length = 0
      const batch = { partition, baseOffset, nextOffset, columns, controls, refused }
      taken = true
      controls = []
      refused = []
      return batch
    },
  }
}
