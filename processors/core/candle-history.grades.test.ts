import { expect, it } from 'vitest'
import type { LogEntry } from '../../test/column-log.ts'
import { candlesOf, createRun, expectMerges, heartbeat, minute, tick, trade, tradesOf } from '../../test/history-run.ts'
import { candleAt } from '../../test/segments.ts'

/** Live content of the minute at 0, then a tick far behind its lateness, or none. */
const live = {
  nothing: [],
  // The line was blind for a part of the minute.
  partial: [heartbeat(-minute, 10_000), { tick: tick({ eventTime: 1000 }) }, heartbeat(20_000, 30_000)],
  whole: [heartbeat(-minute, 10_000), { tick: tick({ eventTime: 1000 }) }],
} satisfies Record<string, LogEntry[]>
const onTop = {
  'imported candles': candlesOf(0, minute, [candleAt(0)]),
  'complete trades': tradesOf(0, minute, [trade({ eventTime: 5 })]),
}

it.each([
  { is: 'nothing', comes: 'imported candles', close: 70.5 },
  { is: 'nothing', comes: 'complete trades', close: 50 },
  { is: 'partial', comes: 'imported candles', close: 70.5 },
  { is: 'partial', comes: 'complete trades', close: 50 },
  { is: 'whole', comes: 'imported candles', close: 100 },
  { is: 'whole', comes: 'complete trades', close: 50 },
] as const)('over $is live, $comes leave a close of $close', ({ is, comes, close }) => {
  for (const isFired of [false, true])
    for (const isExpired of [false, true]) {
      const run = createRun()
      run.feed(...live[is])
      if (isFired) run.feed({ tick: tick({ eventTime: 90_000, tradeId: 2 }) })
      if (isExpired) run.feed({ tick: tick({ eventTime: 900_000, tradeId: 3 }) })
      run.commit()
      run.mark([onTop[comes]])
      run.commit()
      run.feed({ tick: tick({ eventTime: 2_000_000, tradeId: 4 }) })
      run.commit()
      expect(run.row(60, 0)?.close).toBe(close)
      expect(run.row(60, 0)?.partial).toBe(false)
      expectMerges(run.table)
    }
})

it.each([
  { first: 'imported candles', second: 'complete trades', close: 50 },
  { first: 'complete trades', second: 'imported candles', close: 50 },
] as const)('$first and then $second leave a close of $close, in one marker or two', ({ first, second, close }) => {
  for (const markers of [[[onTop[first], onTop[second]]], [[onTop[first]], [onTop[second]]]]) {
    const run = createRun()
    for (const segments of markers) {
      run.mark(segments)
      run.commit()
    }
    expect(run.row(60, 0)?.close).toBe(close)
  }
})

it('a settled bucket is final at once whatever the watermark, and live ticks of it count as duplicates', () => {
  const run = createRun()
  run.feed({ tick: tick({ eventTime: 1000 }) })
  run.commit()
  run.mark([tradesOf(0, minute, [trade({ eventTime: 5 }), trade({ eventTime: 6 })])])
  run.feed({ tick: tick({ eventTime: 2000, tradeId: 2, price: 1 }) })
  expect(run.commit().map(({ kind, candle }) => [kind, candle.interval, candle.closedBy, candle.trades])).toEqual([
    ['final', 60, 'history', 2],
  ])
  expect(run.pipeline.counts).toMatchObject({ in: 3, used: 1, duplicate: 1, control: 1 })
  run.restart()
  run.feed({ tick: tick({ eventTime: 3000, tradeId: 3, price: 1 }) })
  expect(run.pipeline.counts).toMatchObject({ in: 1, duplicate: 1 })
  // Behind the lateness it is late, and nothing is kept.
  run.feed(
    { tick: tick({ eventTime: 200_000, tradeId: 4 }) },
    { tick: tick({ eventTime: 4000, tradeId: 5, price: 1 }) },
  )
  expect(run.pipeline.counts).toMatchObject({ in: 3, used: 1, duplicate: 1, late: 1 })
})

it('history of minutes that were whole and equal says nothing', () => {
  const run = createRun()
  run.feed({ tick: tick({ eventTime: 1000, tradeId: 7 }) }, { tick: tick({ eventTime: 400_000, tradeId: 8 }) })
  run.commit()
  const same = { eventTime: 1000, price: 100, size: 1, side: 'buy' as const, tradeId: 7, sequence: 7 }
  run.mark([tradesOf(0, minute, [same])])
  expect(run.commit()).toEqual([])
})

it('a minute that history empties stays as a quiet one at its last price', () => {
  const run = createRun()
  run.feed({ tick: tick({ eventTime: 1000 }) }, { tick: tick({ eventTime: 1_000_000, tradeId: 2 }) })
  run.commit()
  run.mark([tradesOf(0, 5 * minute, [])])
  expect(
    run
      .commit()
      .map(({ kind, candle }) => [kind, candle.interval, candle.fill, candle.close, candle.trades, candle.volume]),
  ).toEqual([60, 300, 900].map((interval) => ['correction', interval, 'quiet', 100, 0, 0]))
  run.feed({ control: { kind: 'end', line: 'test' } })
  run.commit()
  expectMerges(run.table)
})
