import { expect } from 'vitest'
import type { Candle } from '../schemas/candle.ts'
import type { HistoryCandle, HistorySegment, HistoryTrade } from '../schemas/history.ts'
import type { Tick } from '../schemas/tick.ts'
import { tick as built } from '../topology/testing/builders.ts'
import type { LogEntry } from './column-log.ts'
import { createTestPipeline, type TestPipeline } from './pipeline.ts'
import { candleAt, tradeAt } from './segments.ts'

// A pipeline with a table of committed candles, for tests of history: symbol A and line test, where nothing else is said.
export const minute = 60_000

export const tick = (over: Partial<Tick> = {}): Tick =>
  built({
    ...{ symbol: 'A', eventTime: 0, price: 100, size: 1, side: 'buy', tradeId: 1, line: 'test', ingestTime: 0 },
    ...over,
  })

export const trade = (over: Partial<HistoryTrade> = {}): HistoryTrade => tradeAt(over.eventTime ?? 0, over)

const span = { symbol: 'A', id: 's', part: 0, parts: 1 } as const

/** A run with a table of committed candles, as the store would hold it, and restarts from its states. */
export function createRun(options: Parameters<typeof createTestPipeline>[0] = {}) {
  const table = new Map<string, Candle>()
  const states: ReadonlyMap<string, Uint8Array>[] = []
  let pipeline: TestPipeline = createTestPipeline(options)
  let upTo = 0
  return {
    table,
    get pipeline() {
      return pipeline
    },
    commit() {
      const { emitted, state } = pipeline.barrier(states.length === 0)
      states.push(state)
      const keys = new Set<string>()
      for (const { kind, candle } of emitted) {
        const key = `${candle.symbol} ${candle.interval} ${candle.start}`
        const before = table.get(key)
        expect(keys.has(key), `${key} comes once in a commit`).toBe(false)
        keys.add(key)
        expect(kind, key).toBe(before === undefined ? 'final' : 'correction')
        expect(candle.revision, key).toBeGreaterThan(before?.revision ?? 0)
        table.set(key, candle)
      }
      return emitted
    },
    restart() {
      pipeline = createTestPipeline({ ...options, states })
    },
    /** What an engine does at a marker. */
    mark(segments: readonly HistorySegment[]) {
      upTo += segments.length
      pipeline.feed([
        {
          control: { kind: 'history', line: 'test', upTo },
          history: { segments, refused: [], stored: [...table.values()] },
        },
      ])
    },
    feed: (...entries: LogEntry[]) => pipeline.feed(entries),
    /** Rows that the store holds already. */
    put(...rows: readonly Candle[]) {
      for (const row of rows) table.set(`${row.symbol} ${row.interval} ${row.start}`, row)
    },
    row: (interval: number, start: number, symbol = 'A') => table.get(`${symbol} ${interval} ${start}`),
  }
}

/** Every committed roll-up has the trades and edges of its base candles. */
export function expectMerges(table: ReadonlyMap<string, Candle>): void {
  for (const above of table.values()) {
    if (above.interval === 60) continue
    const below = [...table.values()]
      .filter((row) => row.symbol === above.symbol && row.interval === 60 && row.trades > 0)
      .filter((row) => row.start >= above.start && row.start < above.end)
      .sort((a, b) => a.start - b.start)
    if (above.trades === 0) expect(below).toEqual([])
    else
      expect([above.trades, above.open, above.close, above.high], `${above.interval} ${above.start}`).toEqual([
        below.reduce((total, { trades }) => total + trades, 0),
        below[0]?.open,
        below.at(-1)?.close,
        Math.max(...below.map(({ high }) => high)),
      ])
  }
}

export const heartbeat = (from: number, to: number): LogEntry => ({
  control: { kind: 'heartbeat', line: 'test', from, to, cursor: null },
})

export const tradesOf = (bucketFrom: number, bucketTo: number, trades: readonly HistoryTrade[]): HistorySegment => ({
  ...span,
  ...{ bucketFrom, bucketTo, kind: 'trades', trades },
})
export const candlesOf = (bucketFrom: number, bucketTo: number, candles: readonly HistoryCandle[]): HistorySegment => ({
  ...span,
  ...{ bucketFrom, bucketTo, kind: 'candles', candles },
})

/** A final candle of the store: that of `imported`, where nothing else is said. @param interval Seconds. */
export const stored = (interval: number, start: number, over: Partial<Candle> = {}): Candle => ({
  ...{ symbol: 'A', interval, end: start + interval * 1000, ...candleAt(start) },
  ...{ volumeLow: 0, quoteVolumeLow: 0, buyVolumeLow: 0, firstTradeId: -1, lastTradeId: -1, final: true, revision: 7 },
  ...{ closedBy: 'history', fill: 'traded', partial: false, seq: 1 },
  ...over,
})
