import { messageOf } from '../../schemas/errors.ts'
import type { RecordBatch } from '../../schemas/record-batch.ts'
import type { Envelope } from '../core/envelope.ts'
import { createRekeyedDoor } from '../core/rekeyed-door.ts'
import type { Flag, StreamRecord } from '../core/stream-record.ts'
import { createDoorOutput } from './door-output.ts'
import { type Step, step } from './step.ts'

/**
 * The door of an internal topic: drops what its sources wrote more than once, and tells the least of their watermarks.
 *
 * ```
 * from-0   --a-----b-----b---------   b is written again after a crash: it has the same number
 * from-1   -----c-----------(w9)---
 * gives    --a--c--b--------(w9)---   time goes on when both have
 * ```
 *
 * @param decode What an input's payload holds; throws where it cannot be read.
 */
export function admitRekeyed<T, F extends Flag>(
  decode: (input: number, payload: Uint8Array) => T,
  id = 'source',
): Step<RecordBatch<Envelope>, StreamRecord<T, F>> {
  return step({ operator: 'admit', id, options: {} }, (context) => {
    const { effects, inputPartitions = [] } = context
    const state = createRekeyedDoor(inputPartitions)
    for (const reader of context.restored(id)) state.read(reader)
    context.offerIdleness?.(() => state.isIdle)
    let told = state.watermark

    const reject = (offset: number, detail: string, key: string): void => {
      effects.counts.rejected += 1
      effects.deadLetter({ offset, reason: 'MALFORMED', detail, symbol: key })
    }
    return {
      rows({ records, refused, controls }, emit, _aside, advance) {
        const output = createDoorOutput(effects, told, emit, advance)
        effects.counts.in += records.length + refused.length + controls
        effects.counts.control += controls
        effects.counts.rejected += refused.length
        for (const { offset, reason, detail, schemaId, payload } of refused)
          effects.deadLetter({ offset, reason, detail, symbol: '', schemaId, payload })
        for (const { offset, value: envelope } of records) {
          const entered = state.enter(envelope)
          if (entered === 'new') output.watermark(state.watermark)
          if (entered === 'unknown') reject(offset, `there is no input ${envelope.input}/${envelope.source}`, '')
          else if (entered === 'repeated') effects.counts.duplicate += 1
          else if (envelope.kind !== 'record') effects.counts.control += 1
          else {
            const { flag, key, eventTime, input, payload } = envelope
            let value: T
            try {
              value = decode(input, payload)
            } catch (error) {
              reject(offset, messageOf(error), key)
              continue
            }
            // The stream's type says which flags it carries; its writer is bound by it.
            output.record({ flag: flag as F, key, value, eventTime, offset })
          }
        }
        told = state.watermark
      },
      barrier: (barrier) => state.write(barrier.state(id)),
    }
  })
}
