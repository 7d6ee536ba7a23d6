import type { Broker, StoredRecord } from '../ports/broker.ts'
import { readThrough } from '../ports/read-through.ts'
import { pushed } from '../schemas/batch-decoder.ts'
import type { ColumnBatch, TickDecoder } from '../schemas/columns.ts'
import { controlHeader } from '../schemas/control.ts'
import { FatalError } from '../schemas/errors.ts'

export interface HeldRange {
  readonly broker: Pick<Broker, 'admin' | 'read'>
  readonly decoder: TickDecoder
  readonly topic: string
  readonly partition: number
  readonly from: number
  /** Exclusive; there is a record at it. */
  readonly upTo: number
}

/**
 * Reads a piece of a partition anew, as batches; what a batch holds is reused when `take` is done with it.
 *
 * @throws {FatalError} `HELD_RANGE_LOST` when the log no longer holds its start.
 * @throws {TransientError} The broker or the registry cannot be reached.
 */
export async function readHeldRange(
  { broker, decoder, topic, partition, from, upTo }: HeldRange,
  take: (batch: ColumnBatch) => Promise<void> | undefined,
): Promise<void> {
  const earliest = (await broker.admin.offsets(topic)).get(partition)?.earliest ?? 0
  if (earliest > from)
    throw new FatalError({
      code: 'HELD_RANGE_LOST',
      message: `${topic}/${partition} begins at offset ${earliest}, the key is held from ${from}`,
      hint: 'keep the retention of the topic longer than a key is held',
    })
  let baseOffset = from
  const flush = async (nextOffset: number): Promise<void> => {
    if (decoder.pending > 0) await take(decoder.take(partition, baseOffset, nextOffset))
    baseOffset = nextOffset
  }
  const put = async ({ offset, appendTime, value, headers }: StoredRecord): Promise<void> => {
    for (;;) {
      const result = decoder.push(value, 0, value?.length ?? 0, offset, appendTime, headers[controlHeader])
      if (result === pushed.taken) return
      if (result === pushed.full) await flush(offset)
      else await decoder.resolveSchema(decoder.wantedSchemaId)
    }
  }
  await readThrough({
    ...{ broker, topic, spans: new Map([[partition, { from, to: upTo }]]) },
    async take(_partition, records) {
      for (const record of records) await put(record)
    },
  })
  await flush(upTo)
}
