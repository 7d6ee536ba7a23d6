import { type BatchDecoder, pushed } from './batch-decoder.ts'
import { batchRowsMax, type RefusedRecord } from './columns.ts'
import { type DeadLetterReason, deadLetterPayloadBytesMax } from './dead-letter.ts'
import type { Decoded, FramedDecoder } from './framed-decoder.ts'
import type { PlacedRecord, RecordBatch } from './record-batch.ts'
import { framingBytes, isFramed, schemaIdAt, valueBytesMax } from './wire-format.ts'

/** Reads one value; `FramedDecoder` is one of these. */
export type ValueDecoder<T> = Pick<FramedDecoder<T>, 'decode' | 'resolveSchema'>

/** Turns record values into plain values, one after the other; what cannot be read is refused with its place. */
export function createRecordBatchDecoder<T>(values: ValueDecoder<T>): BatchDecoder<RecordBatch<T>> {
  let records: PlacedRecord<T>[] = []
  let refused: RefusedRecord[] = []
  let controls = 0
  let wantedSchemaId = -1

  const refuse = (offset: number, reason: DeadLetterReason, detail: string, value: Uint8Array): number => {
    const schemaId = isFramed(value, 0, value.length) ? schemaIdAt(value, 0) : null
    refused.push({
      offset,
      reason,
      detail,
      schemaId,
      payload: new Uint8Array(value.subarray(0, deadLetterPayloadBytesMax)),
    })
    return pushed.taken
  }
  const take = (decoded: Decoded<T>, value: Uint8Array, offset: number, appendTime: number): number => {
    if (decoded.status === 'needsSchema') {
      wantedSchemaId = decoded.schemaId
      return pushed.needsSchema
    }
    if (decoded.status === 'bad') return refuse(offset, 'MALFORMED', decoded.detail, value)
    records.push({ offset, appendTime, value: decoded.value })
    return pushed.taken
  }
  const pending = (): number => records.length + refused.length + controls

  return {
    push(bytes, from, to, offset, appendTime, controlKind) {
      if (pending() >= batchRowsMax) return pushed.full
      if (controlKind !== undefined) {
        controls += 1
        return pushed.taken
      }
      if (bytes === null) return refuse(offset, 'NO_VALUE', 'the record has no value', new Uint8Array()) as 0
      const value = bytes.subarray(from, to)
      if (value.length > valueBytesMax + framingBytes)
        return refuse(offset, 'OVERSIZED', `a value is at most ${valueBytesMax} bytes`, value) as 0
      return take(values.decode(value), value, offset, appendTime) as 0 | 2
    },
    pushRun: (_bytes, _starts, _ends, from) => from,
    get wantedSchemaId() {
      return wantedSchemaId
    },
    resolveSchema: (schemaId) => values.resolveSchema(schemaId),
    get pending() {
      return pending()
    },
    take(partition, baseOffset, nextOffset) {
      const batch = { partition, baseOffset, nextOffset, records, refused, controls }
      records = []
      refused = []
      controls = 0
      return batch
    },
  }
}
