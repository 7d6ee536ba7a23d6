import { expect, it } from 'vitest'
import type { HistorySegment } from '../../schemas/history.ts'
import { segmentParts } from '../../schemas/history-codec.ts'
import type { LogEntry } from '../../test/column-log.ts'
import { createRun, expectMerges, minute, tick, trade, tradesOf } from '../../test/history-run.ts'

it('a segment waits for its parts over markers and restarts, and is applied with the last', () => {
  const run = createRun()
  const parts = segmentParts(
    tradesOf(
      0,
      minute,
      [1, 2, 3].map((eventTime) => trade({ eventTime })),
    ),
    1,
  )
  const [first, second, third] = parts
  if (first === undefined || second === undefined || third === undefined) throw new RangeError('three parts')
  run.mark([third, first, first])
  expect(run.commit()).toEqual([])
  run.restart()
  run.mark([second])
  expect(run.commit().map(({ candle }) => candle.trades)).toEqual([3])
  expect(run.pipeline.refusals).toEqual([])
})

it.each([
  { name: 'buckets that are not whole', over: { bucketTo: 61_000 } },
  { name: 'no buckets', over: { bucketTo: 0 } },
  { name: 'a trade outside', over: { trades: [trade({ eventTime: minute })] } },
  { name: 'a price of 0', over: { trades: [trade({ price: 0 })] } },
  { name: 'a part beyond its parts', over: { part: 1 } },
  { name: 'a symbol that is none', over: { symbol: 'a b' } },
  { name: 'too many parts', over: { parts: 1001 } },
])('a segment with $name is a dead letter, and nothing of it applies', ({ over }) => {
  const run = createRun()
  run.mark([{ ...tradesOf(0, minute, [trade()]), ...over } as HistorySegment])
  expect(run.commit()).toEqual([])
  expect(run.pipeline.refusals.map(({ reason }) => reason)).toEqual(['BAD_HISTORY'])
  expect(run.pipeline.alarms).toEqual(['history_refused'])
})

it('a marker that comes again changes nothing', () => {
  const run = createRun()
  const control: LogEntry = { control: { kind: 'history', line: 'test', upTo: 1 } }
  run.mark([tradesOf(0, minute, [trade()])])
  expect(run.commit()).toHaveLength(1)
  run.feed(control)
  expect(run.commit()).toEqual([])
})

it('history of a symbol long before its line leaves one range, and goes with it', () => {
  const run = createRun()
  run.mark([tradesOf(0, 1000 * minute, [trade({ eventTime: 90 * minute })])])
  run.commit()
  expect(run.pipeline.openCandles('A', 86_400)).toHaveLength(1)
  run.feed({ tick: tick({ eventTime: 3 * 86_400_000 }) })
  run.commit()
  run.feed({ control: { kind: 'end', line: 'test' } })
  run.commit()
  expectMerges(run.table)
  expect(run.row(86_400, 0)).toMatchObject({ trades: 1, closedBy: 'watermark' })
  const { state } = run.pipeline.barrier(true)
  // Applied offset, no parts, no symbol.
  expect(state.get('candles.history')?.length).toBe(3)
})
