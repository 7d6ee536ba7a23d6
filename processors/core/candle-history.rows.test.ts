import { describe, expect, it } from 'vitest'
import type { Candle } from '../../schemas/candle.ts'
import type { HistorySegment } from '../../schemas/history.ts'
import { candlesOf, createRun, minute, stored, tick, trade, tradesOf } from '../../test/history-run.ts'
import { candleAt } from '../../test/segments.ts'

const day = 1440 * minute
const at = 3 * day

/** What a marker says of the minute at `at`, whose row is in the store, and whether the windows above were looked at. */
function saidOver(row: Candle, segment: HistorySegment) {
  const run = createRun()
  run.put(row)
  run.mark([segment])
  const isAboveOpen = run.pipeline.openCandles('A', 300).length > 0
  const said = run
    .commit()
    .filter(({ candle }) => candle.interval === 60)
    .map(({ kind, candle }) => [kind, candle.revision, candle.closedBy])
  return { said, isAboveOpen }
}

const news = { said: [['correction', 8, 'history']], isAboveOpen: true }
const none = { said: [], isAboveOpen: false }

describe('history says a minute again', () => {
  const twoTrades = tradesOf(at, at + minute, [
    trade({ eventTime: at, tradeId: 5 }),
    trade({ eventTime: at + 1, tradeId: 9 }),
  ])
  const ofTrades = {
    ...{ open: 50, high: 50, low: 50, close: 50, volume: 4, quoteVolume: 200, buyVolume: 0, trades: 2 },
  }
  it.each([
    ...[{ open: 70.1 }, { high: 71.5 }, { low: 68 }, { close: 70.4 }, { volume: 5 }, { quoteVolume: 282 }],
    ...[{ buyVolume: 2 }, { trades: 5 }, { partial: true }, { fill: 'blind' as const }],
  ])('where its row has another %o', (over) => {
    expect(saidOver(stored(60, at, over), candlesOf(at, at + minute, [candleAt(at)]))).toEqual(news)
  })
  it.each([{ firstTradeId: 4 }, { lastTradeId: 8 }])('where its row has another %o', (over) => {
    const row = stored(60, at, { ...ofTrades, firstTradeId: 5, lastTradeId: 9, ...over })
    expect(saidOver(row, twoTrades)).toEqual(news)
  })
  it('and nothing where the row is the same, whatever closed it', () => {
    expect(saidOver(stored(60, at), candlesOf(at, at + minute, [candleAt(at)]))).toEqual(none)
    for (const closedBy of ['history', 'watermark'] as const) {
      const row = stored(60, at, { ...ofTrades, firstTradeId: 5, lastTradeId: 9, closedBy })
      expect(saidOver(row, twoTrades)).toEqual(none)
    }
  })
})

it.each([
  { was: 'imported candles', row: stored(60, at) },
  { was: 'live', row: stored(60, at, { closedBy: 'watermark', firstTradeId: 3, lastTradeId: 6 }) },
])('a minute of $was that history empties stays once, flat at its last price and without trade ids', ({ row }) => {
  const run = createRun()
  run.put(row)
  const empty = tradesOf(at, at + minute, [])
  run.mark([empty])
  const flat = { open: 70.5, high: 70.5, low: 70.5, close: 70.5, volume: 0, quoteVolume: 0, buyVolume: 0, trades: 0 }
  expect(run.commit()).toMatchObject([
    {
      kind: 'correction',
      candle: {
        ...flat,
        firstTradeId: 0,
        lastTradeId: 0,
        revision: 8,
        closedBy: 'history',
        fill: 'quiet',
        partial: false,
      },
    },
  ])
  run.mark([empty, candlesOf(at, at + minute, [])])
  expect(run.commit()).toEqual([])
})

it('a minute in which nothing traded and that has no row stays without one', () => {
  const run = createRun()
  run.mark([tradesOf(at, at + minute, [])])
  expect(run.commit()).toEqual([])
  expect(run.pipeline.openCandles('A', 300)).toEqual([])
})

it('the revision of a replaced minute goes on from its live trades, open or closed', () => {
  for (const closing of [[], [tick({ eventTime: at + 70_000, tradeId: 3 })]]) {
    const run = createRun()
    run.feed({ tick: tick({ eventTime: at + 1000, tradeId: 1 }) }, { tick: tick({ eventTime: at + 2000, tradeId: 2 }) })
    run.feed(...closing.map((one) => ({ tick: one })))
    run.commit()
    run.mark([tradesOf(at, at + minute, [trade({ eventTime: at })])])
    run.commit()
    expect(run.row(60, at)).toMatchObject({ revision: 3, trades: 1 })
    run.mark([
      tradesOf(
        at,
        at + minute,
        [0, 1, 2, 3, 4].map((ms) => trade({ eventTime: at + ms })),
      ),
    ])
    run.commit()
    expect(run.row(60, at)).toMatchObject({ revision: 4, trades: 5 })
  }
})

it('what is settled is told in ranges', () => {
  const run = createRun()
  run.put(stored(60, at + 2 * minute, { closedBy: 'watermark' }))
  run.mark([
    candlesOf(at, at + 5 * minute, [candleAt(at + minute)]),
    tradesOf(at + 7 * minute, at + 8 * minute, []),
    tradesOf(at + 8 * minute, at + 9 * minute, []),
  ])
  expect(run.pipeline.coverage.map(({ from, to, kind }) => [(from - at) / minute, (to - at) / minute, kind])).toEqual([
    [0, 2, 'settled'],
    [3, 5, 'settled'],
    [7, 8, 'settled'],
    [8, 9, 'settled'],
  ])
})
