import { expect, it } from 'vitest'
import type { LogEntry } from '../../test/column-log.ts'
import { createRun, expectMerges, heartbeat, minute, tick, trade, tradesOf } from '../../test/history-run.ts'

it('history of a blind stretch repairs the candles and roll-ups that overlap it', () => {
  const run = createRun()
  run.feed(
    heartbeat(-90_000_000, 10_000),
    { tick: tick({ eventTime: 1000 }) },
    heartbeat(150_000, 160_000),
    { tick: tick({ eventTime: 170_000, tradeId: 2 }) },
    { tick: tick({ eventTime: 400_000, tradeId: 3 }) },
    { tick: tick({ eventTime: 1_000_000, tradeId: 4 }) },
  )
  run.commit()
  const marks = () => [60, 300].map((interval) => [run.row(interval, 0)?.fill, run.row(interval, 0)?.partial])
  expect(marks()).toEqual([
    ['blind', true],
    ['blind', true],
  ])
  // The first two minutes leave half of the third one blind.
  run.mark([tradesOf(0, 2 * minute, [trade({ eventTime: 1000 }), trade({ eventTime: 61_000 })])])
  run.commit()
  expect(marks()).toEqual([
    ['traded', false],
    ['blind', true],
  ])
  run.mark([tradesOf(2 * minute, 3 * minute, [trade({ eventTime: 130_000 })])])
  run.commit()
  expect(marks()).toEqual([
    ['traded', false],
    ['traded', false],
  ])
  run.feed({ control: { kind: 'end', line: 'test' } })
  run.commit()
  expect(run.row(86_400, 0)?.fill).toBe('traded')
  expectMerges(run.table)
})

it('a line that begins within a window leaves it partial, until history brings what came before', () => {
  const run = createRun()
  run.feed(
    heartbeat(90_000, 100_000),
    { tick: tick({ eventTime: 95_000 }) },
    { tick: tick({ eventTime: 400_000, tradeId: 2 }) },
  )
  run.commit()
  expect([run.row(60, minute), run.row(300, 0)].map((row) => [row?.partial, row?.fill])).toEqual([
    [true, 'traded'],
    [true, 'traded'],
  ])
  run.mark([tradesOf(0, 2 * minute, [trade({ eventTime: 70_000 }), trade({ eventTime: 95_000 })])])
  run.commit()
  expect([run.row(60, minute), run.row(300, 0)].map((row) => [row?.partial, row?.trades])).toEqual([
    [false, 2],
    [false, 2],
  ])
})

it('holes in consecutive trade ids leave a candle partial until they are filled', () => {
  const options = { candles: { consecutiveIds: true } }
  const run = createRun(options)
  const at = (eventTime: number, tradeId: number): LogEntry => ({ tick: tick({ eventTime, tradeId }) })
  run.feed(at(1000, 1), at(3000, 3), at(61_000, 4), at(100_000, 5))
  run.commit()
  expect(run.row(60, 0)?.partial).toBe(true)
  run.feed(at(2000, 2))
  run.commit()
  expect(run.row(60, 0)).toMatchObject({ partial: false, trades: 3 })
  run.feed(at(130_000, 6), at(140_000, 8), at(400_000, 9), at(1_000_000, 10))
  run.commit()
  expect([run.row(60, 120_000)?.partial, run.row(300, 0)?.partial]).toEqual([true, true])
  run.mark([
    tradesOf(120_000, 180_000, [
      trade({ eventTime: 130_000 }),
      trade({ eventTime: 135_000 }),
      trade({ eventTime: 140_000 }),
    ]),
  ])
  run.commit()
  expect([run.row(60, 120_000)?.partial, run.row(300, 0)?.partial]).toEqual([false, false])
})

it('gaps of a line are told for its symbols, and so is what history settles', () => {
  const run = createRun()
  run.feed(
    heartbeat(0, 10_000),
    { tick: tick({ eventTime: 1000 }) },
    { tick: tick({ symbol: 'B', line: 'other', eventTime: 1000 }) },
    heartbeat(70_000, 80_000),
    heartbeat(80_000, 90_000),
  )
  run.commit()
  run.mark([tradesOf(0, 2 * minute, [])])
  expect(run.pipeline.coverage).toEqual([
    { symbol: 'A', from: 10_000, to: 70_000, kind: 'blind' },
    { symbol: 'A', from: 0, to: 2 * minute, kind: 'settled' },
  ])
})
