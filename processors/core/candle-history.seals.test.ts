import { describe, expect, it } from 'vitest'
import type { Candle } from '../../schemas/candle.ts'
import type { HistorySegment } from '../../schemas/history.ts'
import type { LogEntry } from '../../test/column-log.ts'
import { candlesOf, createRun, heartbeat, minute, stored, tick, trade, tradesOf } from '../../test/history-run.ts'
import type { TestPipeline } from '../../test/pipeline.ts'
import { candleAt } from '../../test/segments.ts'
import { createByteReader } from './byte-buffer.ts'

const day = 1440 * minute
const at = 3 * day

/** Settled ranges of the first symbol of a history without parts, in minutes from `at`. */
function sealsIn(pipeline: TestPipeline): number[][] {
  const reader = createByteReader(pipeline.barrier(true).state.get('candles.history') ?? new Uint8Array())
  reader.uint()
  reader.uint()
  if (reader.uint() === 0) return []
  reader.text()
  return Array.from({ length: reader.uint() }, () => [reader.f64() - at / minute, reader.f64() - at / minute])
}

describe('what is kept of settled minutes', () => {
  const minutes = (...kept: number[]): HistorySegment[] =>
    kept.map((n) => ({ ...tradesOf(at + n * minute, at + (n + 1) * minute, []), id: `${n}` }))
  const far: LogEntry = { tick: tick({ eventTime: at + 40 * minute, tradeId: 2 }) }
  it.each([
    {
      name: 'all, where nothing is late',
      entries: [],
      ranges: [
        [0, 1],
        [2, 4],
      ],
    },
    { name: 'nothing, where all are late', entries: [far], ranges: [] },
    {
      name: 'the one whose lateness is over with the next ms',
      entries: [{ tick: tick({ eventTime: at + 6 * minute + 499 }) }],
      ranges: [[3, 4]],
    },
    { name: 'none of them at that ms', entries: [{ tick: tick({ eventTime: at + 6 * minute + 500 }) }], ranges: [] },
    {
      name: 'the one that is late with a gap in it',
      entries: [
        heartbeat(at - day, at + 2 * minute + 1000),
        { tick: tick({ eventTime: at }) },
        heartbeat(at + 2 * minute + 2000, at + 5 * minute),
        far,
      ],
      ranges: [[2, 3]],
    },
    {
      name: 'the ones of a gap that are late',
      entries: [
        heartbeat(at - day, at + 2 * minute + 59_999),
        { tick: tick({ eventTime: at }) },
        heartbeat(at + 3 * minute + 1, at + 5 * minute),
        far,
      ],
      ranges: [[2, 4]],
    },
    {
      name: 'none of a gap beside them',
      entries: [
        heartbeat(at - day, at + minute),
        { tick: tick({ eventTime: at }) },
        heartbeat(at + 2 * minute, at + 4 * minute),
        heartbeat(at + 6 * minute, at + 7 * minute),
        far,
      ],
      ranges: [],
    },
  ])('is $name', ({ entries, ranges }) => {
    const run = createRun()
    run.feed(...entries)
    run.commit()
    run.mark(minutes(0, 2, 3))
    expect(sealsIn(run.pipeline)).toEqual(ranges)
  })
})

describe('separate ranges of a symbol', () => {
  /** Whole minutes between those that candles may fill, so many times. */
  const whole = (times: number): Candle[] =>
    Array.from({ length: times }, (_, n) => stored(60, at + (2 * n + 1) * minute, { closedBy: 'watermark' }))
  const filling = (ranges: number): HistorySegment => ({
    ...candlesOf(at, at + (2 * ranges - 1) * minute, [candleAt(at)]),
    id: 'filling',
  })
  const refusal = 'filling: more than 1024 separate ranges of A would be settled'
  const before = { ...tradesOf(at - 9 * minute, at - 8 * minute, []), id: 'before' }
  it.each([
    { name: '1024 are settled', before: [], ranges: 1024, isTaken: true },
    { name: '1025 are refused', before: [], ranges: 1025, isTaken: false },
    { name: '1023 beside one are settled', before: [before], ranges: 1023, isTaken: true },
    { name: '1024 beside one are refused', before: [before], ranges: 1024, isTaken: false },
  ])('$name, and the next segment is', ({ before, ranges, isTaken }) => {
    const run = createRun()
    run.put(...whole(1025))
    run.mark([...before, filling(ranges), { ...tradesOf(at, at + minute, [trade({ eventTime: at })]), id: 'next' }])
    expect(run.pipeline.refusals.map(({ detail }) => detail)).toEqual(isTaken ? [] : [refusal])
    expect(run.pipeline.coverage).toHaveLength(before.length + (isTaken ? ranges : 0) + 1)
    run.commit()
    expect(run.row(60, at)).toMatchObject({ close: 50, revision: 1 })
  })
  it('are as many as before where a segment joins some, and one more is refused', () => {
    const run = createRun()
    run.put(...whole(1025))
    run.mark([filling(1024)])
    run.commit()
    const first = 2048 * minute
    const segment = (from: number, to: number): HistorySegment => ({ ...tradesOf(at + from, at + to, []), id: 'more' })
    run.mark([segment(-minute, 0), segment(first - minute, first)])
    expect(run.pipeline.refusals).toEqual([])
    run.commit()
    run.mark([segment(-3 * minute, -2 * minute), segment(0, 3 * minute), segment(-5 * minute, -4 * minute)])
    expect(run.pipeline.refusals).toHaveLength(1)
    expect(sealsIn(run.pipeline)).toHaveLength(1024)
  })
  it('that are late need none', () => {
    const run = createRun()
    run.put(...whole(1025))
    run.feed({ tick: tick({ eventTime: at + 30 * day }) })
    run.commit()
    run.mark([filling(1025)])
    expect(run.pipeline.refusals).toEqual([])
    expect(sealsIn(run.pipeline)).toEqual([])
  })
})
