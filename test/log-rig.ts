import { createEmbeddedBroker } from '../broker/embedded/embedded-broker.ts'
import { createTickPublisher } from '../feeds/tick-publisher.ts'
import type { HeldKey } from '../ports/candle-store.ts'
import type { Clock } from '../ports/clock.ts'
import { candleOf } from '../processors/core/candle-rows.ts'
import type { StoredSpan } from '../processors/core/stream-element.ts'
import { createEmbeddedRegistry } from '../registry/embedded-registry.ts'
import type { Candle } from '../schemas/candle.ts'
import type { ControlRecord } from '../schemas/control.ts'
import { Interner } from '../schemas/interner.ts'
import { partitionOfKey } from '../schemas/partitioner.ts'
import type { Tick } from '../schemas/tick.ts'
import { topicNames } from '../schemas/topics.ts'
import { candles } from '../topology/candles.ts'
import { createCodecs } from '../topology/codecs.ts'
import { explainCandle } from '../topology/explain.ts'
import { replayLog } from '../topology/log-replay.ts'
import { replayPlan } from '../topology/plan-replay.ts'
import { createReplayHistory } from '../topology/replay-history.ts'
import { systemClock } from '../topology/system-clock.ts'
import { ensureTopics } from '../topology/topics.ts'

export const topics = topicNames('')
export const minute = 60_000
export const t0 = Date.UTC(2026, 0, 1)

interface LogRigOptions {
  readonly partitions?: number
  readonly segmentBytes?: number
  readonly retentionMs?: number
}

/** A log whose clock the test moves, and a store that holds what the whole of it gives. */
export async function createLogRig(options: LogRigOptions = {}) {
  let now = t0
  const clock: Clock = { ...systemClock, now: () => now, every: () => () => undefined }
  const broker = createEmbeddedBroker({ clock, ...options })
  const registry = await createEmbeddedRegistry()
  const partitions = await ensureTopics(broker, topics, options.partitions ?? 1)
  broker.retainFrom(topics.ticks, new Map(Array.from({ length: partitions }, (_, partition) => [partition, 0])))
  const codecs = await createCodecs(registry, topics)
  const producer = await broker.createProducer()
  const output = createTickPublisher({ producer, topic: topics.ticks, partitions, ...codecs })
  const rows = new Map<string, Candle>()
  const list = () => [...rows.values()].sort((a, b) => a.start - b.start)
  const ends = async () =>
    [...(await broker.admin.offsets(topics.ticks))].map(([partition, { earliest, latest }]) => ({
      ...{ partition, earliest, epoch: 1, nextOffset: latest, commitNo: 1 },
    }))
  const replayed = ({ symbol, interval, from, to }: StoredSpan) =>
    list().filter((row) => row.symbol === symbol && row.interval === interval && row.start >= from && row.start < to)
  const held: HeldKey[] = []
  const store = {
    positions: ends,
    heldKeys: async () => held,
    symbols: async () =>
      [...new Set(list().map(({ symbol }) => symbol))].map((symbol) => ({ symbol, first: 0, last: 0 })),
    candles: async (span: StoredSpan) => replayed(span),
    latest: async (symbols: readonly string[], interval: number) =>
      symbols.flatMap((symbol) => list().findLast((row) => row.symbol === symbol && row.interval === interval) ?? []),
  }
  const common = {
    ...{ broker, registry, store, clock, topic: topics.ticks, historyTopic: topics.history, topology: candles },
  }
  const historian = await broker.createProducer()
  const fetchSchema = (id: number) => registry.schema(id)
  return {
    broker,
    rows,
    held,
    /** Appends a segment of trades of `[from, to)`, and its marker. */
    async history(at: number, symbol: string, from: number, to: number, prices: readonly number[]) {
      now = at
      const trades = prices.map((price, n) => ({
        ...{ eventTime: from + ((n * 37_000) % (to - from)), price, size: 0.3, side: 'sell' as const },
        ...{ tradeId: n, sequence: n },
      }))
      const partition = partitionOfKey(symbol, partitions)
      const segment = { symbol, bucketFrom: from, bucketTo: to, id: `${at} ${from}`, part: 0, parts: 1 }
      const value = codecs.encodeHistory({ ...segment, kind: 'trades', trades })
      const [range] = await historian.send(topics.history, [{ partition, key: symbol, value }])
      output.control({ kind: 'history', line: 'l', upTo: (range?.baseOffset ?? 0) + 1 }, partition)
      await output.flush()
    },
    /** Appends one record at a time of the clock. */
    async write(at: number, ...what: readonly (Tick | ControlRecord)[]) {
      now = at
      for (const one of what) {
        if ('kind' in one) output.control(one)
        else output.tick(one)
        await output.flush()
      }
    },
    /** What the engine would have stored by now. */
    async commit() {
      const symbols = new Interner()
      await replayLog({
        ...{ broker, topic: topics.ticks, partitions, topology: candles, symbols, lines: new Interner() },
        spans: new Map(
          (await ends()).map(({ partition, earliest, nextOffset }) => [partition, { from: earliest, to: nextOffset }]),
        ),
        fetchSchema,
        history: createReplayHistory({
          ...{ topic: topics.history, broker, store, clock, fetchSchema, replayed },
          ...{ sinceMs: Number.NEGATIVE_INFINITY, futureBoundMs: 0 },
        }),
        onCandles(found) {
          for (let i = 0; i < found.length; i++) {
            const candle = candleOf(found, i, symbols.name(found.symbol[i] ?? 0))
            rows.set(`${candle.symbol} ${candle.interval} ${candle.start}`, candle)
          }
        },
      })
    },
    explain: (at: number, interval = 60, symbol = 'A') =>
      explainCandle({ ...common, symbol, interval, baseInterval: 60, at, limit: 10 }),
    plan: (durationMs: number) => replayPlan({ ...common, durationMs, limit: 10 }),
  }
}

export function tick(eventTime: number, tradeId: number, changes: Partial<Tick> = {}): Tick {
  return {
    ...{ symbol: 'A', eventTime, price: 100 + tradeId, size: 1, side: 'buy', tradeId, idOrder: 'monotonic' },
    ...{ sequence: tradeId, line: 'l', ingestTime: eventTime },
    ...changes,
  }
}

export const heartbeat = (from: number, to: number): ControlRecord => ({
  kind: 'heartbeat',
  line: 'l',
  from,
  to,
  cursor: null,
})
