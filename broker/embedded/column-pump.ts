import type { BatchHandler } from '../../ports/broker.ts'
import type { Clock } from '../../ports/clock.ts'
import { type BatchDecoder, pushed, type SourceBatch } from '../../schemas/batch-decoder.ts'
import { offsetOutOfRange } from '../broker-errors.ts'
import { fillColumns } from '../column-fill.ts'
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
      const last = fillColumns(cursor, decoder)
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
