import type { Broker } from '../ports/broker.ts'
import type { CandleStore } from '../ports/candle-store.ts'
import type { Clock } from '../ports/clock.ts'
import type { HistoryNeeds, StoredSpan } from '../processors/core/stream-element.ts'
import type { Candle } from '../schemas/candle.ts'
import { FatalError } from '../schemas/errors.ts'
import type { HistoryInput } from '../schemas/history.ts'
import { createHistoryDecoder } from '../schemas/history-codec.ts'
import { createHistoryReader } from './history-reader.ts'
import { appendedFromMs, type ReplayStart, replayStarts } from './replay-spans.ts'

export interface ReplayHistoryOptions {
  /** `ticks.history`. */
  readonly topic: string
  readonly broker: Pick<Broker, 'admin' | 'read'>
  readonly store: Pick<CandleStore, 'candles'>
  readonly clock: Clock
  /** As `SchemaRegistry.schema`. */
  fetchSchema(id: number): Promise<object | undefined>
  /** Epoch ms: candles from here on are those that the replay gave; of those before, the store tells. */
  readonly sinceMs: number
  readonly futureBoundMs: number
  /** Candles that the replay gave so far, ascending by start. */
  replayed(span: StoredSpan): readonly Candle[]
}

/** Reads for a replay what the `history` markers of its log stand for. */
export interface ReplayHistory {
  /** @returns Undefined where the topic no longer holds it. */
  read(partition: number, upTo: number, needs: HistoryNeeds): Promise<HistoryInput | undefined>
  /** Markers whose segments the topic does not hold, or may not. */
  readonly lost: number
}

export function createReplayHistory(options: ReplayHistoryOptions): ReplayHistory {
  const { topic, broker, store, clock, fetchSchema, sinceMs, futureBoundMs, replayed } = options
  let lost = 0
  const reader = createHistoryReader({
    ...{ topic, clock, decoder: createHistoryDecoder(fetchSchema) },
    // What a replay applies is committed nowhere.
    broker: { admin: broker.admin, read: (from) => broker.read(from), sync: async () => undefined },
    store: {
      async candles(query) {
        const before = query.from < sinceMs ? await store.candles({ ...query, to: Math.min(query.to, sinceMs) }) : []
        const own = replayed({ ...query, from: Math.max(query.from, sinceMs) })
        return [...before, ...own].slice(0, query.limit)
      },
    },
  })
  /** A replay has no state: segments begin where their append time says that they may matter, or where the topic begins. */
  let starts: Promise<ReadonlyMap<number, ReplayStart>> | undefined
  return {
    async read(partition, upTo, needs) {
      starts ??= replayStarts(broker, topic, appendedFromMs(sinceMs, futureBoundMs))
      const { from: first = 0, isWhole = true } = (await starts).get(partition) ?? {}
      const isCut = !isWhole && needs.appliedTo() < first
      const appliedTo = (): number => Math.max(first, needs.appliedTo())
      try {
        const input = await reader.read(partition, upTo, { appliedTo, spans: (segments) => needs.spans(segments) })
        if (isCut) lost += 1
        return input
      } catch (error) {
        if (!(error instanceof FatalError)) throw error
        lost += 1
        return undefined
      }
    },
    get lost() {
      return lost
    },
  }
}
