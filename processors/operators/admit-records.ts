import type { DeadLetterReason } from '../../schemas/dead-letter.ts'
import type { PlacedRecord, RecordBatch } from '../../schemas/record-batch.ts'
import { createRecordDoor } from '../core/record-door.ts'
import type { StreamRecord } from '../core/stream-record.ts'
import { createDoorOutput } from './door-output.ts'
import { type Step, step } from './step.ts'

/** Longer keys are refused. */
const keyLengthMax = 1024

export interface AdmitRecordsOptions<T> {
  readonly key: (value: T) => unknown
  /** Epoch ms. */
  readonly eventTime: (value: T) => unknown
}

/**
 * The door of a topic of records: bad ones become dead letters, the rest goes on by key, behind the watermark that it moves.
 *
 * ```
 * given   --[a b]-------[! c]---     batches: a at 5, b at 12, c at 9    !: not readable    out-of-orderness 3
 * gives   --(wavb)------c-------     w: watermark 1, before a moved it    v: watermark 8
 * ```
 */
export function admitRecords<T>(options: AdmitRecordsOptions<T>, id = 'source'): Step<RecordBatch<T>, StreamRecord<T>> {
  return step({ operator: 'admit', id, options: {} }, (context) => {
    const { effects } = context
    const state = createRecordDoor(context.watermark)
    for (const reader of context.restored(id)) state.read(reader)
    let told = state.watermark

    const reject = (offset: number, reason: DeadLetterReason, detail: string, key: string): void => {
      effects.counts.rejected += 1
      effects.deadLetter({ offset, reason, detail, symbol: key })
    }
    /** @returns The key as text; undefined where it is none. */
    const keyOf = (value: T): string | undefined => {
      const key = options.key(value)
      const text = typeof key === 'number' ? String(key) : key
      return typeof text === 'string' && text.length > 0 && text.length <= keyLengthMax ? text : undefined
    }
    const enter = ({ offset, appendTime, value }: PlacedRecord<T>): StreamRecord<T> | undefined => {
      const key = keyOf(value)
      if (key === undefined) {
        reject(offset, 'BAD_KEY', `a key is text of 1 to ${keyLengthMax} characters, or a number`, '')
        return undefined
      }
      const time = options.eventTime(value)
      // `Number(null)` would be 1970.
      const eventTime = typeof time === 'number' ? time : Number.NaN
      const refusal = state.enter(eventTime, appendTime)
      if (refusal === undefined) return { flag: 'event', key, value, eventTime, offset }
      reject(offset, refusal.reason, refusal.detail, key)
      return undefined
    }

    return {
      rows(batch, emit, _aside, advance) {
        const output = createDoorOutput(effects, told, emit, advance)
        const { records, refused, controls } = batch
        effects.counts.in += records.length + refused.length + controls
        effects.counts.control += controls
        effects.counts.rejected += refused.length
        for (const { offset, reason, detail, schemaId, payload } of refused)
          effects.deadLetter({ offset, reason, detail, symbol: '', schemaId, payload })
        for (const placed of records) {
          const record = enter(placed)
          if (record === undefined) continue
          output.watermark(state.watermark)
          output.record(record)
        }
        told = state.watermark
      },
      barrier: (barrier) => state.write(barrier.state(id)),
    }
  })
}
