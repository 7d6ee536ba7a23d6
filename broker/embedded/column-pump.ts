import type { BatchHandler } from '../../ports/broker.ts'
import type { Clock } from '../../ports/clock.ts'
import { type BatchDecoder, pushed, type SourceBatch } from '../../schemas/batch-decoder.ts'
import { batchRowsMax } from '../../schemas/columns.ts'
import { offsetOutOfRange } from '../broker-errors.ts'
import { createSchemaWait } from '../schema-wait.ts'
import type { PartitionLog } from './partition-log.ts'
import { RecordCursor } from './record-cursor.ts'

interface PumpOptions<Batch extends SourceBatch> {
  readonly topic: string
  readonly partition: number
  readonly log: PartitionLog
  readonly decoder: BatchDecoder<Batch>
  readonly handler: BatchHandler<Batch>
  readonly clock: Clock
  /** Aborts when the partition is taken away or the subscription ends. */
  readonly signal: AbortSignal
}

/** Hands one partition's records to the handler, a batch a call. */
export interface ColumnPump {
  readonly partition: number
  paused: boolean
  seek(offset: number): void
  /**
   * Reads, decodes and hands out at most one batch.
   *
   * @returns false where there is nothing to do.
   * @throws {FatalError} `OFFSET_OUT_OF_RANGE`, `LOG_CORRUPT`, and whatever the handler throws.
   */
  step(): Promise<boolean>
}

export function createColumnPump<Batch extends SourceBatch>(
  options: PumpOptions<Batch>,
  startOffset: number,
): ColumnPump {
  const { topic, partition, log, decoder, handler, clock, signal } = options
  checkRange(startOffset)
  let cursor = new RecordCursor(log, startOffset)
  const resolveSchema = createSchemaWait(decoder, clock)

  function checkRange(offset: number): void {
    if (offset < log.earliest || offset > log.latest) throw offsetOutOfRange(topic, partition, offset, log.range)
  }

  const pump: ColumnPump = {
    partition,
    paused: false,
    seek(offset) {
      checkRange(offset)
      cursor = new RecordCursor(log, offset)
    },
    async step() {
      if (pump.paused) return false
      checkRange(cursor.offset)
      const baseOffset = cursor.offset
      const last = fill(cursor, decoder)
      if (decoder.pending > 0 || cursor.offset > baseOffset) {
        await handler.batch(decoder.take(partition, baseOffset, cursor.offset))
        return true
      }
      if (last !== pushed.needsSchema) return false
      await resolveSchema(signal)
      return true
    },
  }
  return pump
}

/** Ticks that are looked for side by side before the decoder takes them in one call. */
const runMax = 512
const starts = new Int32Array(runMax)
const ends = new Int32Array(runMax)

/** Pushes records until the decoder stops it, the batch is full, or the log ends; all of it in one turn of the loop. */
function fill(cursor: RecordCursor, decoder: BatchDecoder<SourceBatch>): number {
  for (let records = 0; records < batchRowsMax && cursor.peek(); ) {
    const taken = fillRun(cursor, decoder, batchRowsMax - records)
    records += taken
    if (taken > 0) continue
    const { valueFrom, valueLength } = cursor
    const kind = cursor.headersTo === cursor.headersFrom ? undefined : cursor.controlKind()
    const value = valueLength < 0 ? null : cursor.buffer
    const result = decoder.push(value, valueFrom, valueFrom + valueLength, cursor.offset, cursor.appendTime, kind)
    if (result !== pushed.taken) return result
    cursor.next()
    records += 1
  }
  return pushed.taken
}

/** Takes the ticks that lie one behind the other in the cursor's append. @returns How many; 0 where the next is not plain. */
function fillRun(cursor: RecordCursor, decoder: BatchDecoder<SourceBatch>, max: number): number {
  const count = cursor.plainRun(starts, ends, Math.min(max, runMax))
  if (count === 0) return 0
  const taken = decoder.pushRun(cursor.buffer, starts, ends, 0, count, cursor.offset, cursor.appendTime)
  for (let i = 0; i < taken && cursor.peek(); i++) cursor.next()
  return taken
}
