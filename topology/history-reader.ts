import type { Broker } from '../ports/broker.ts'
import type { CandleStore } from '../ports/candle-store.ts'
import type { Clock } from '../ports/clock.ts'
import type { HistoryNeeds } from '../processors/core/stream-element.ts'
import type { Candle } from '../schemas/candle.ts'
import { FatalError, TransientError } from '../schemas/errors.ts'
import type { FramedDecoder } from '../schemas/framed-decoder.ts'
import type { HistoryInput, HistorySegment } from '../schemas/history.ts'

/** Time to read the segments of one marker. */
const readMsMax = 60_000

/** Stored candles read in one call. */
const rowsPerRead = 5000

export interface HistoryReaderOptions {
  /** `ticks.history`. */
  readonly topic: string
  readonly broker: Pick<Broker, 'admin' | 'read' | 'sync'>
  readonly store: Pick<CandleStore, 'candles'>
  readonly decoder: FramedDecoder<HistorySegment>
  readonly clock: Clock
}

/** Reads what a `history` marker of a partition stands for. */
export interface HistoryReader {
  /**
   * @param upTo Offset of `ticks.history`, exclusive.
   * @returns Undefined where it is applied already.
   * @throws {FatalError} `HISTORY_MISSING` when the topic does not hold what was not applied.
   * @throws {TransientError} The broker, the registry or the store cannot be reached.
   */
  read(partition: number, upTo: number, needs: HistoryNeeds): Promise<HistoryInput | undefined>
}

export function createHistoryReader(options: HistoryReaderOptions): HistoryReader {
  const { topic, broker, store, decoder, clock } = options

  const checkRange = async (partition: number, applied: number, upTo: number): Promise<void> => {
    const range = (await broker.admin.offsets(topic)).get(partition)
    const { earliest, latest } = range ?? { earliest: 0, latest: 0 }
    const isHeld = upTo <= applied || earliest <= applied
    if (isHeld && latest >= upTo && latest >= applied) return
    throw new FatalError({
      code: 'HISTORY_MISSING',
      message: `${topic}/${partition} holds offsets ${earliest} to ${latest}, history is applied up to ${applied} and a marker says ${upTo}`,
      why:
        latest < Math.max(upTo, applied)
          ? 'the topic was made anew or cut off'
          : 'its retention went past what was not applied yet',
      hint: `restore ${topic}; keep its retention longer than the engine may stand still`,
    })
  }

  const decode = async (value: Uint8Array | null): Promise<HistorySegment | string> => {
    for (;;) {
      const decoded = decoder.decode(value)
      if (decoded.status === 'value') return decoded.value
      if (decoded.status === 'bad') return decoded.detail
      await decoder.resolveSchema(decoded.schemaId)
    }
  }

  const readSegments = async (partition: number, from: number, upTo: number) => {
    const segments: HistorySegment[] = []
    const refused: { offset: number; detail: string }[] = []
    const done = new AbortController()
    let failure: Error | undefined = new TransientError({
      code: 'HISTORY_SLOW',
      message: `${topic}/${partition} from ${from} to ${upTo} was not read within ${readMsMax} ms`,
    })
    const end = (error?: Error): void => {
      failure = error
      done.abort()
    }
    const reader = await broker.read({
      topic,
      from: new Map([[partition, from]]),
      async onRecords(_partition, records) {
        for (const { offset, value } of records) {
          if (done.signal.aborted) return
          if (offset < upTo) {
            const decoded = await decode(value)
            if (typeof decoded === 'string') refused.push({ offset, detail: decoded })
            else segments.push(decoded)
          }
          if (offset >= upTo - 1) end()
        }
      },
      onError: end,
    })
    try {
      await clock.sleep(readMsMax, done.signal)
    } finally {
      await reader.close()
    }
    if (failure !== undefined) throw failure
    return { segments, refused }
  }

  const readStored = async (needs: HistoryNeeds, segments: readonly HistorySegment[]): Promise<Candle[]> => {
    const stored: Candle[] = []
    for (const { symbol, interval, from: first, to } of needs.spans(segments)) {
      for (let from = first; from < to; ) {
        const page = await store.candles({ symbol, interval, from, to, limit: rowsPerRead })
        for (const candle of page) stored.push(candle)
        const last = page.at(-1)
        if (last === undefined || page.length < rowsPerRead) break
        from = last.end
      }
    }
    return stored
  }

  return {
    async read(partition, upTo, needs) {
      const applied = needs.appliedTo()
      await checkRange(partition, applied, upTo)
      if (upTo <= applied) return undefined
      const { segments, refused } = await readSegments(partition, applied, upTo)
      // What is applied must not be lost behind the commit that says so.
      await broker.sync(topic)
      return { segments, refused, stored: await readStored(needs, segments) }
    },
  }
}
