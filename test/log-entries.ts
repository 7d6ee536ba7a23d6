import type { Candle } from '../schemas/candle.ts'
import type { HistorySegment } from '../schemas/history.ts'
import type { Tick } from '../schemas/tick.ts'
import type { LogEntry } from './column-log.ts'
import { createTestPipeline, type Emitted, type TestPipeline } from './pipeline.ts'

// Entries of a log for tests of windows: symbol A and line x, where nothing else is said. A test pipeline has an
// out-of-orderness of 500 ms, is idle after 5 s, and its lateness is 2 min.
export const minute = 60_000

let id = 0
/** A trade at 100, of the next id. */
export function tick(eventTime: number, over: Partial<Tick> = {}): LogEntry {
  id += 1
  return {
    tick: {
      ...{ symbol: 'A', eventTime, price: 100, size: 1, side: 'buy', tradeId: id, idOrder: 'monotonic', sequence: id },
      ...{ line: 'x', ingestTime: 0 },
      ...over,
    },
  }
}

export const heartbeat = (from: number, to: number, line = 'x'): LogEntry => ({
  control: { kind: 'heartbeat', line, from, to, cursor: null },
})
export const end = (line = 'x'): LogEntry => ({ control: { kind: 'end', line } })
export const move = (symbol: string, line: string): LogEntry => ({ control: { kind: 'move', line, symbol } })

/**
 * A marker that brings one segment of trades at 50, at `times`, for `[from, to)`.
 *
 * @param stored Candles that the store holds of that time.
 */
export function history(
  from: number,
  to: number,
  times: readonly number[],
  upTo = 1,
  stored: readonly Candle[] = [],
): LogEntry {
  const segment: HistorySegment = {
    ...{ kind: 'trades', symbol: 'A', id: `s${upTo}`, part: 0, parts: 1, bucketFrom: from, bucketTo: to },
    trades: times.map((eventTime) => ({
      ...{ eventTime, price: 50, size: 2, side: 'sell', tradeId: eventTime, sequence: eventTime },
    })),
  }
  return { control: { kind: 'history', line: 'x', upTo }, history: { segments: [segment], refused: [], stored } }
}

/** A pipeline that was fed these. */
export function fed(...entries: readonly LogEntry[]): TestPipeline {
  const pipeline = createTestPipeline()
  pipeline.feed(entries)
  return pipeline
}

/** What was said of minutes: kind, symbol, start in minutes, trades, and what closed it. */
export const minutesOf = (emitted: readonly Emitted[]): unknown[] =>
  emitted
    .filter(({ candle }) => candle.interval === 60)
    .map(({ kind, candle }) => [kind, candle.symbol, candle.start / minute, candle.trades, candle.closedBy])
