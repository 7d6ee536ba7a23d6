import { describe, expect, it } from 'vitest'
import type { HistorySegment } from '../../schemas/history.ts'
import type { LogEntry } from '../../test/column-log.ts'
import { candlesOf, createRun, heartbeat, minute, stored, tick, trade, tradesOf } from '../../test/history-run.ts'
import { candleAt } from '../../test/segments.ts'

const day = 1440 * minute
const at = 3 * day
const comes = {
  candles: candlesOf(at, at + minute, [candleAt(at, { close: 70 })]),
  trades: tradesOf(at, at + minute, [trade({ eventTime: at, price: 33 })]),
  'no candles': candlesOf(at, at + minute, []),
  'no trades': tradesOf(at, at + minute, []),
} satisfies Record<string, HistorySegment>
const ids = { firstTradeId: 3, lastTradeId: 6 } as const

// What is not replaced is not told as settled.
describe('over a stored row that is', () => {
  const rows = {
    'imported candles': {},
    'complete trades': ids,
    'complete trades of one id': { firstTradeId: 3, lastTradeId: 3 },
    'live and whole': { ...ids, closedBy: 'watermark' },
    'live and partial': { ...ids, closedBy: 'idle', partial: true },
    'emptied by candles': { trades: 0, closedBy: 'history' },
    'emptied by trades': { trades: 0, closedBy: 'history', firstTradeId: 0, lastTradeId: 0 },
  } as const
  it.each([
    { is: 'imported candles', candles: true },
    { is: 'complete trades', candles: false },
    { is: 'complete trades of one id', candles: false },
    { is: 'live and whole', candles: false },
    { is: 'live and partial', candles: true },
    { is: 'emptied by candles', candles: true },
    { is: 'emptied by trades', candles: true },
  ] as const)('$is: candles replace it: $candles, and trades do', ({ is, candles }) => {
    for (const far of [false, true])
      for (const kind of ['candles', 'trades'] as const) {
        const run = createRun()
        run.put(stored(60, at, rows[is]))
        if (far) run.feed({ tick: tick({ eventTime: at + day }) })
        run.commit()
        run.mark([comes[kind]])
        const isReplaced = kind === 'trades' || candles
        expect(run.pipeline.coverage.length).toBe(isReplaced ? 1 : 0)
        run.commit()
        expect(run.row(60, at)?.close).toBe(!isReplaced ? 70.5 : kind === 'trades' ? 33 : 70)
      }
  })
})

describe('in one marker', () => {
  it.each([
    { first: 'candles', second: 'candles', isReplaced: true },
    { first: 'no candles', second: 'candles', isReplaced: true },
    { first: 'no trades', second: 'candles', isReplaced: true },
    { first: 'candles', second: 'no candles', isReplaced: true },
    { first: 'trades', second: 'candles', isReplaced: false },
    { first: 'trades', second: 'no candles', isReplaced: false },
    { first: 'trades', second: 'no trades', isReplaced: true },
    { first: 'candles', second: 'trades', isReplaced: true },
  ] as const)('$first and then $second: these replace those: $isReplaced', ({ first, second, isReplaced }) => {
    const run = createRun()
    run.mark([comes[first], comes[second]])
    expect(run.pipeline.coverage.length).toBe(isReplaced ? 2 : 1)
    run.commit()
    const last = isReplaced ? second : first
    expect(run.row(60, at)?.close).toBe(last === 'candles' ? 70 : last === 'trades' ? 33 : undefined)
  })
})

describe('over a live minute', () => {
  /** What the minute says when entries are followed by a venue's candle of it, and then by its end. */
  const closeAfter = (run: ReturnType<typeof createRun>, entries: readonly LogEntry[]): number | undefined => {
    run.feed(...entries)
    run.commit()
    run.mark([comes.candles])
    run.commit()
    run.feed({ tick: tick({ eventTime: at + day, tradeId: 9 }) })
    run.commit()
    return run.row(60, at)?.close
  }
  const one: LogEntry = { tick: tick({ eventTime: at + 1000 }) }
  /** Fires the minute; its lateness is not over. */
  const next: LogEntry = { tick: tick({ eventTime: at + 70_000, tradeId: 2 }) }
  const before = (to: number): LogEntry => heartbeat(at - day, to)
  const toOther: LogEntry = { control: { kind: 'move', line: 'other', symbol: 'A' } }
  const gapIn = [before(at + 10_000), one, heartbeat(at + 20_000, at + 30_000)]
  it.each([
    { name: 'of a line that covers it', entries: [before(at + 10_000), one], isWhole: true },
    { name: 'of a line that tells nothing', entries: [one], isWhole: true },
    { name: 'with a gap in it', entries: gapIn, isWhole: false },
    {
      name: 'with a gap before it',
      entries: [before(at - 30_000), heartbeat(at - 20_000, at + 10_000), one],
      isWhole: true,
    },
    {
      name: 'with a gap behind it',
      entries: [before(at + 61_000), one, heartbeat(at + 62_000, at + 63_000)],
      isWhole: true,
    },
    { name: 'in which its line began', entries: [heartbeat(at + 500, at + 10_000), one], isWhole: false },
    { name: 'before which its line began', entries: [heartbeat(at - 30_000, at + 10_000), one], isWhole: true },
    { name: 'that was blind, and then came to another line', entries: [...gapIn, next, toOther], isWhole: false },
    {
      name: 'in which its line began, and that then came to another line',
      entries: [heartbeat(at + 500, at + 10_000), one, next, toOther],
      isWhole: false,
    },
    { name: 'that came to another line', entries: [before(at + 10_000), one, next, toOther], isWhole: true },
  ])('$name candles change nothing: $isWhole', ({ entries, isWhole }) => {
    expect(closeAfter(createRun(), entries)).toBe(isWhole ? 100 : 70)
  })
  it.each([
    { name: 'with a hole in its ids', first: [1, 3], isWhole: false },
    { name: 'without one', first: [1, 2], isWhole: true },
  ])('$name candles change nothing: $isWhole', ({ first, isWhole }) => {
    const entries = first.map((tradeId): LogEntry => ({ tick: tick({ eventTime: at + tradeId, tradeId }) }))
    const run = createRun({ candles: { consecutiveIds: true } })
    expect(closeAfter(run, entries)).toBe(isWhole ? 100 : 70)
  })
})
