import { setImmediate } from 'node:timers/promises'
import type { KafkaMessage } from 'kafkajs'
import type { SubscribeOptions } from '../../ports/broker.ts'
import { type BatchDecoder, type Pushed, pushed, type SourceBatch } from '../../schemas/batch-decoder.ts'
import { controlHeader } from '../../schemas/control.ts'
import type { FetchedBatch } from './positioned-consumer.ts'

const noBytes = new Uint8Array()

/**
 * Turns fetched batches into the decoder's: each at most what the decoder holds, one after the other.
 *
 * @param resolveSchema Tries to get the schema that the decoder wants, once.
 */
export function createColumnFeed<Batch extends SourceBatch>(
  { decoder, handler }: Pick<SubscribeOptions<Batch>, 'decoder' | 'handler'>,
  resolveSchema: (signal: AbortSignal) => Promise<void>,
): (batch: FetchedBatch) => Promise<void> {
  return async (batch) => {
    const { partition, messages, endOffset } = batch
    const filler = createFiller(decoder, messages)
    let baseOffset = batch.baseOffset
    while (batch.live()) {
      const result = filler.fill()
      const nextOffset = filler.done ? endOffset : filler.nextOffset
      if (decoder.pending > 0 || nextOffset > baseOffset) {
        const taken = decoder.take(partition, baseOffset, nextOffset)
        baseOffset = nextOffset
        batch.advance(nextOffset)
        await handler.batch(taken)
        await setImmediate() // what was fetched may be much: timers and answers have their turn in between
      } else if (result === pushed.needsSchema) await resolveSchema(batch.signal)
      if (filler.done) return
    }
  }
}

interface Filler {
  /** Pushes until the decoder stops it or nothing is left. */
  fill(): Pushed
  readonly done: boolean
  /** Offset of the next message to push. */
  readonly nextOffset: number
}

/** Hot: offsets are counted where the batch has no gaps, and a time is converted only where its text changes. */
function createFiller(decoder: BatchDecoder<SourceBatch>, messages: readonly KafkaMessage[]): Filler {
  const first = Number(messages[0]?.offset)
  const contiguous = Number(messages.at(-1)?.offset) - first + 1 === messages.length
  let at = 0
  let timestamp = ''
  let appendTime = 0
  const offsetAt = (i: number) => (contiguous ? first + i : Number(messages[i]?.offset))
  return {
    get done() {
      return at >= messages.length
    },
    get nextOffset() {
      return offsetAt(at)
    },
    fill() {
      for (; at < messages.length; at++) {
        const message = messages[at]
        if (message === undefined) break
        if (message.timestamp !== timestamp) {
          timestamp = message.timestamp
          appendTime = Number(timestamp)
        }
        const { value } = message
        const kind = message.headers?.[controlHeader]
        const controlKind = kind === undefined ? undefined : String(kind)
        const bytes = value ?? noBytes
        const result = decoder.push(
          value === null ? null : bytes,
          0,
          bytes.length,
          offsetAt(at),
          appendTime,
          controlKind,
        )
        if (result !== pushed.taken) return result
      }
      return pushed.taken
    },
  }
}
