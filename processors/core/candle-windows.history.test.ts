import { describe, expect, it } from 'vitest'
import type { LogEntry } from '../../test/column-log.ts'
import { fed, history, minute, tick } from '../../test/log-entries.ts'
import { createTestPipeline, type Emitted, type TestPipeline } from '../../test/pipeline.ts'

const said = (emitted: readonly Emitted[]): unknown[] =>
  emitted.map(({ kind, candle }) => [kind, candle.interval, candle.start / minute, candle.trades, candle.closedBy])

it('a hole in trade ids says nothing where ids are not consecutive', () => {
  const { emitted } = fed(tick(0, { tradeId: 1_000_001 }), tick(1, { tradeId: 1_000_009 }), tick(100_000)).barrier()
  expect(emitted.map(({ candle }) => candle.partial)).toEqual([false])
})

it.each([
  { name: 'when they fire', steps: [400_000, 2_000_000] },
  { name: 'when they fire and expire at once', steps: [2_000_000] },
])('windows that history empties before anything was said of them are none, $name', ({ steps }) => {
  const pipeline = fed(tick(1000))
  pipeline.barrier()
  pipeline.feed([history(0, 5 * minute, [])])
  expect(pipeline.barrier().emitted).toEqual([])
  expect(pipeline.pulse()).toEqual([])
  expect(pipeline.openCandles('A', 300)).toEqual([])
  for (const at of steps) {
    pipeline.feed([tick(at)])
    const { emitted } = pipeline.barrier()
    expect(emitted.filter(({ candle }) => candle.end <= 300_000)).toEqual([])
  }
})

it('a window of history ahead of the watermark is open, updated, and closed by time, idleness or the end', () => {
  const ahead = (): TestPipeline => {
    const pipeline = fed(tick(1000))
    pipeline.barrier(true)
    pipeline.feed([history(10 * minute, 11 * minute, [10 * minute])])
    return pipeline
  }
  const fives = (emitted: readonly Emitted[]): unknown[] =>
    said(emitted.filter(({ candle }) => candle.interval === 300 && candle.start === 10 * minute))
  expect(fives(ahead().pulse())).toEqual([['update', 300, 10, 1, 'open']])
  expect(
    ahead()
      .openCandles('A', 300)
      .map(({ start }) => start / minute),
  ).toEqual([0, 10])
  const pulsed = ahead()
  pulsed.pulse()
  expect(pulsed.pulse()).toEqual([])
  for (const { entries, by } of [
    { entries: [tick(15 * minute + 499)], by: undefined },
    { entries: [tick(15 * minute + 500)], by: 'watermark' },
    { entries: [tick(40 * minute)], by: 'watermark' },
    { entries: [{ control: { kind: 'end', line: 'x' } } as const], by: 'end' },
    {
      entries: [{ control: { kind: 'heartbeat', line: 'x', from: 0, to: 15 * minute + 5500, cursor: null } } as const],
      by: 'idle',
    },
    {
      entries: [{ control: { kind: 'heartbeat', line: 'x', from: 0, to: 15 * minute + 5499, cursor: null } } as const],
      by: undefined,
    },
  ]) {
    const pipeline = ahead()
    pipeline.feed(entries)
    expect(fives(pipeline.barrier().emitted)).toEqual(by === undefined ? [] : [['final', 300, 10, 1, by]])
    expect(fives(pipeline.barrier().emitted)).toEqual([])
  }
})

it('a window of history that was closed keeps what closed it when a tick comes into it', () => {
  const pipeline = fed(tick(1000))
  pipeline.barrier(true)
  pipeline.feed([
    history(10 * minute, 11 * minute, [10 * minute]),
    { control: { kind: 'heartbeat', line: 'x', from: 0, to: 15 * minute + 5500, cursor: null } },
  ])
  pipeline.barrier()
  pipeline.feed([tick(16 * minute), tick(14 * minute)])
  expect(said(pipeline.barrier().emitted.filter(({ candle }) => candle.interval === 300))).toEqual([
    ['correction', 300, 10, 2, 'idle'],
  ])
})

it('a day in which a line began is whole when history brings all that came before, hours ago', () => {
  const day = 1440 * minute
  const from = day + 600 * minute
  const pipeline = fed(
    { control: { kind: 'heartbeat', line: 'x', from, to: from + 10_000, cursor: null } },
    ...[tick(from + 1000), tick(from + 3 * minute)],
  )
  pipeline.barrier(true)
  pipeline.feed([history(day, from, [day + 1000])])
  pipeline.barrier()
  pipeline.feed([tick(2 * day + 1000)])
  const { emitted } = pipeline.barrier()
  expect(
    emitted.filter(({ candle }) => candle.interval === 86_400).map(({ candle }) => [candle.trades, candle.partial]),
  ).toEqual([[3, false]])
})

describe('the state of history', () => {
  const other = (at: number): LogEntry => tick(at, { symbol: 'B' })
  const ahead = (): TestPipeline => {
    const pipeline = fed(tick(1000), other(1000))
    pipeline.barrier(true)
    pipeline.feed([history(10 * minute, 11 * minute, [10 * minute])])
    return pipeline
  }
  const bytesAt = (at: number): number => {
    const pipeline = ahead()
    pipeline.feed([other(at)])
    return pipeline.barrier(true).state.get('candles.history')?.length ?? 0
  }
  it.each([
    { name: 'of a bucket is over with its lateness', at: 13 * minute + 500 },
    { name: 'of a window of five minutes too', at: 17 * minute + 500 },
  ])('$name, at its ms', ({ at }) => {
    expect(bytesAt(at)).toBeLessThan(bytesAt(at - 1))
    expect(bytesAt(at + 1)).toBe(bytesAt(at))
  })
  it.each([[13], [15], [17], [13, 15, 17], [2000]])('is in the images of what changed, after %s', (...times) => {
    const pipeline = ahead()
    const states = [pipeline.barrier(true).state]
    for (const at of times) {
      pipeline.feed([other(at * minute + 500)])
      states.push(pipeline.barrier().state)
    }
    const full = pipeline.barrier(true).state.get('candles.history')
    expect(createTestPipeline({ states }).barrier(true).state.get('candles.history')).toEqual(full)
  })
  it.each([
    { name: 'the end of its line', control: { kind: 'end', line: 'x' } as const },
    {
      name: 'idleness',
      control: { kind: 'heartbeat', line: 'x', from: 0, to: 15 * minute + 5500, cursor: null } as const,
    },
  ])('is in the image of what changed, after $name', ({ control }) => {
    const pipeline = ahead()
    const states = [pipeline.barrier(true).state]
    pipeline.feed([{ control }])
    states.push(pipeline.barrier().state)
    const full = pipeline.barrier(true).state.get('candles.history')
    expect(createTestPipeline({ states }).barrier(true).state.get('candles.history')).toEqual(full)
  })
})
