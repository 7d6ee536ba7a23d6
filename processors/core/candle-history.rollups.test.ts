import { describe, expect, it } from 'vitest'
import type { Candle } from '../../schemas/candle.ts'
import type { HistorySegment } from '../../schemas/history.ts'
import type { LogEntry } from '../../test/column-log.ts'
import { createRun, heartbeat, minute, stored, tick, trade, tradesOf } from '../../test/history-run.ts'
import type { Emitted } from '../../test/pipeline.ts'

const day = 1440 * minute
const at = 3 * day
/** Minutes `from` to `to` (exclusive) from `at`, with so many trades in each. */
const brought = (from: number, to = from + 1, times = 1): HistorySegment =>
  tradesOf(
    at + from * minute,
    at + to * minute,
    Array.from({ length: (to - from) * times }, (_, n) => {
      const eventTime = at + (from + Math.floor(n / times)) * minute + (n % times)
      return trade({ eventTime, tradeId: eventTime - at + 1_000_000 })
    }),
  )
const emptied = (from: number, to: number): HistorySegment => tradesOf(at + from * minute, at + to * minute, [])
const on = (minutes: number, ms = 0, price = 100): LogEntry => ({
  tick: tick({ eventTime: at + minutes * minute + ms, tradeId: minutes * 100_000 + ms + 1, price }),
})
const fives = (emitted: readonly Emitted[]): unknown[] =>
  emitted
    .filter(({ candle }) => candle.interval === 300 && candle.start === at)
    .map(({ kind, candle }) => [kind, candle.revision, candle.trades, candle.closedBy])

function createStarted(...entries: readonly LogEntry[]) {
  const run = createRun()
  run.feed(...entries)
  run.commit()
  const open = (interval = 300) =>
    run.pipeline
      .openCandles('A', interval)
      .filter(({ start }) => start === at)
      .map(({ revision, trades }) => [revision, trades])
  return Object.assign(run, { open })
}

describe('five minutes that no tick has opened', () => {
  it('count each segment that changes them, over restarts, and are final with the last minute', () => {
    const run = createStarted()
    run.mark([brought(0)])
    expect(run.open()).toEqual([[1, 1]])
    expect(fives(run.pipeline.pulse())).toEqual([['update', 1, 1, 'open']])
    run.commit()
    run.mark([brought(0)])
    expect(run.open()).toEqual([[1, 1]])
    expect(fives(run.pipeline.pulse())).toEqual([])
    run.commit()
    run.restart()
    run.mark([brought(1, 3, 2)])
    expect(run.open()).toEqual([[2, 5]])
    run.commit()
    run.mark([emptied(0, 3)])
    expect(run.open()).toEqual([])
    run.commit()
    run.mark([brought(2)])
    expect(run.open()).toEqual([[4, 1]])
    run.commit()
    run.mark([brought(3, 5)])
    expect(fives(run.commit())).toEqual([['final', 5, 3, 'history']])
    expect(run.open()).toEqual([])
    run.mark([brought(3, 5)])
    expect(fives(run.commit())).toEqual([])
    run.mark([brought(3)])
    expect(fives(run.commit())).toEqual([])
    run.mark([brought(3, 4, 3)])
    expect(fives(run.commit())).toEqual([['correction', 6, 5, 'history']])
  })
  it('count their own segments beside others that wait', () => {
    const run = createStarted()
    for (const [i, n] of [5, 6, 7, 0, 1, 2].entries()) {
      run.mark([brought(n)])
      expect(run.open()).toEqual(i < 3 ? [] : [[i - 2, i - 2]])
      run.commit()
    }
  })
  it('are none where nothing traded, and the next tick makes them', () => {
    const blind = [heartbeat(at - day, at + minute), on(-1), heartbeat(at + 2 * minute, at + 3 * minute)]
    for (const entries of [[], blind]) {
      const run = createStarted(...entries)
      run.mark([emptied(1, 2)])
      run.commit()
      // Applied offset, no parts; one symbol with one range, no windows and no more.
      expect(run.pipeline.barrier(true).state.get('candles.history')).toHaveLength(3 + 2 + 1 + 16 + 1 + 1)
      run.feed(on(3))
      expect(run.open()).toEqual([[1, 1]])
    }
  })
  it('are final when all of them is settled, and not with a minute less, or the ones around', () => {
    for (const { segments, said } of [
      { segments: [brought(0, 5)], said: [['final', 1, 5, 'history']] },
      { segments: [brought(-1, 6)], said: [['final', 1, 5, 'history']] },
      { segments: [brought(-5, 4)], said: [] },
      { segments: [brought(1, 10)], said: [] },
    ]) {
      const run = createStarted()
      run.mark(segments)
      expect(fives(run.commit())).toEqual(said)
    }
  })
  it('are final with the last minute, though the seals of the first are forgotten', () => {
    for (const { ms, said } of [
      { ms: 499, said: [] },
      { ms: 500, said: [['final', 1, 3, 'history']] },
    ]) {
      // The watermark is where the lateness of minute 1 ends, or a ms before.
      const eventTime = at + 4 * minute + ms
      const run = createStarted(on(-1), { tick: tick({ eventTime, symbol: 'B' }) })
      run.mark([brought(2, 5)])
      expect(fives(run.commit())).toEqual(said)
    }
  })
  it('are closed by history where their lateness is over, and by the watermark a ms before', () => {
    for (const { ms, by } of [
      { ms: 499, by: 'watermark' },
      { ms: 500, by: 'history' },
    ]) {
      const run = createStarted(on(7, ms))
      run.mark([brought(1)])
      expect(fives(run.commit())).toEqual([['final', 1, 1, by]])
    }
  })
})

describe('five minutes with live ticks', () => {
  it('that are open count the segment, and the ticks behind it, over restarts', () => {
    for (const isRestarted of [false, true]) {
      // The lateness of minute 0 is over: it is not sealed.
      const run = createStarted(on(0), on(0, 1), on(3, 500), on(4))
      run.mark([brought(0, 1, 3)])
      expect(run.open()).toEqual([[5, 5]])
      expect(fives(run.pipeline.pulse())).toEqual([['update', 5, 5, 'open']])
      run.commit()
      run.mark([brought(0, 1, 1)])
      expect(run.open()).toEqual([[6, 3]])
      run.commit()
      if (isRestarted) run.restart()
      run.feed(on(4, 1))
      expect(run.open()).toEqual([[7, 4]])
      run.feed(on(5, 500))
      expect(fives(run.commit())).toEqual([['final', 7, 4, 'watermark']])
    }
  })
  it('that are closed are corrected once', () => {
    const run = createStarted(on(0), on(4), on(6))
    expect(run.row(300, at)).toMatchObject({ revision: 2, closedBy: 'watermark' })
    run.mark([brought(0, 1, 2)])
    expect(fives(run.commit())).toEqual([['correction', 3, 3, 'watermark']])
    run.mark([brought(0, 1, 2), brought(4)])
    expect(fives(run.commit())).toEqual([['correction', 4, 3, 'watermark']])
    expect(run.commit()).toEqual([])
    expect(fives(run.pipeline.pulse())).toEqual([])
  })
  it.each([
    { name: 'open', entries: [] },
    { name: 'closed', entries: [on(6)] },
  ])('that are $name say nothing where a live minute is brought as it was', ({ entries }) => {
    const run = createStarted(on(4, 5), ...entries)
    run.pipeline.pulse()
    run.commit()
    const same = { eventTime: at + 4 * minute + 5, price: 100, size: 1, side: 'buy', tradeId: 400_006 } as const
    run.mark([tradesOf(at + 4 * minute, at + 5 * minute, [{ ...same, sequence: 400_006 }])])
    expect(run.pipeline.pulse()).toEqual([])
    const isOpen = entries.length === 0
    // An open minute is final with it.
    expect(run.commit().map(({ candle }) => candle.interval)).toEqual(isOpen ? [60] : [])
    expect(run.open()).toEqual(isOpen ? [[1, 1]] : [])
  })
  it('stay open over a late minute that is replaced', () => {
    const run = createStarted(on(0), on(3, 500))
    run.mark([brought(0, 1, 2)])
    expect(run.commit().map(({ kind, candle }) => [kind, candle.interval])).toEqual([['correction', 60]])
    expect(run.open()).toEqual([[3, 3]])
  })
  it('that history empties are none until a tick comes, and count it', () => {
    const run = createStarted(on(4))
    run.mark([emptied(4, 5)])
    expect(run.open()).toEqual([])
    expect(run.commit()).toEqual([])
    run.feed(on(3))
    expect(run.open()).toEqual([[3, 1]])
  })
})

describe('five minutes of stored rows', () => {
  const low = 2 ** -60
  const row = (n: number, over: Partial<Candle> = {}): Candle =>
    stored(60, at + n * minute, {
      ...{ open: 10 + n, high: 200 + n, low: 5 - n / 10, close: 20 + n, volume: 1, quoteVolume: 2, buyVolume: 4 },
      ...{ volumeLow: low, quoteVolumeLow: 2 * low, buyVolumeLow: 4 * low, trades: 3 },
      ...{ firstTradeId: 10 * n + 1, lastTradeId: 10 * n + 2 },
      ...over,
    })
  it('are merged of them and of what history brings, in the order of their times', () => {
    for (const { replaced, over } of [
      { replaced: 0, over: { open: 50, firstTradeId: 1_000_000, close: 23, lastTradeId: 32 } },
      { replaced: 2, over: { open: 11, firstTradeId: 11, close: 23, lastTradeId: 32 } },
      { replaced: 4, over: { open: 11, firstTradeId: 11, close: 50, lastTradeId: 1_240_000 } },
    ]) {
      const run = createStarted(on(90))
      run.put(row(1), row(3), stored(300, at, { revision: 5 }))
      run.mark([brought(replaced)])
      run.commit()
      expect(run.row(300, at)).toMatchObject({
        ...{ high: 203, low: 4.7, volume: 4, quoteVolume: 104, buyVolume: 8, trades: 7, revision: 6 },
        ...{ volumeLow: 2 * low, quoteVolumeLow: 4 * low, buyVolumeLow: 8 * low, closedBy: 'history' },
        ...over,
      })
    }
  })
  it('are merged with the live minutes around those that were settled before', () => {
    for (const { live, over } of [
      { live: 1, over: { open: 7, close: 50, lastTradeId: 1_180_000 } },
      { live: 4, over: { open: 50, firstTradeId: 1_120_000, close: 7 } },
    ]) {
      const run = createStarted(on(live, 0, 7))
      run.mark([brought(2)])
      run.commit()
      run.mark([brought(3)])
      run.commit()
      run.feed(on(90))
      run.commit()
      expect(run.row(300, at)).toMatchObject({ ...over, trades: 3 })
    }
  })
  it('stay flat at their last price when history empties all of them', () => {
    const run = createStarted(on(90))
    const five = stored(300, at, { firstTradeId: 3, lastTradeId: 6, closedBy: 'watermark' })
    run.put(row(1), five, stored(300, at + 5 * minute))
    run.mark([emptied(0, 5)])
    const [said, ...more] = run.commit().filter(({ candle }) => candle.interval === 300)
    const flat = { open: 70.5, high: 70.5, low: 70.5, close: 70.5, volume: 0, trades: 0, fill: 'quiet', revision: 8 }
    expect(said).toMatchObject({ kind: 'correction', candle: { ...flat, firstTradeId: 0, lastTradeId: 0 } })
    expect(more).toEqual([])
    run.mark([brought(4)])
    expect(fives(run.commit())).toEqual([['correction', 9, 1, 'history']])
    run.mark([emptied(4, 5)])
    run.commit()
    expect(run.row(300, at)).toMatchObject({ open: 50, high: 50, low: 50, close: 50, trades: 0, revision: 10 })
  })
  it('of several lengths are corrected where a minute of them is, and no others', () => {
    const run = createStarted(on(300))
    run.mark([brought(61)])
    expect(run.commit().map(({ kind, candle }) => [kind, candle.interval, (candle.start - at) / minute])).toEqual([
      ['final', 60, 61],
      ['final', 300, 60],
      ['final', 900, 60],
      ['final', 1800, 60],
      ['final', 3600, 60],
      ['final', 14_400, 0],
    ])
    expect(run.open(86_400)).toEqual([[2, 2]])
  })
})
