import { describe, expect, it } from 'vitest'
import { createCandleColumns } from '../../schemas/candle-columns.ts'
import { Interner } from '../../schemas/interner.ts'
import { createColumnLog, type LogEntry } from '../../test/column-log.ts'
import { heartbeat, tick } from '../../test/log-entries.ts'
import { createTestPipeline } from '../../test/pipeline.ts'
import { createCandleWindows } from './candle-windows.ts'
import { createConservation } from './effects.ts'
import { createSymbolIndex } from './symbol-index.ts'

describe('the rows of a batch', () => {
  it('are each looked at, also behind one that is late or opens a window', () => {
    const pipeline = createTestPipeline()
    pipeline.feed([
      ...[tick(0), tick(180_500), tick(59_999), tick(180_501), tick(59_998), tick(59_997), tick(240_000)],
      ...[tick(240_001), tick(180_502)],
    ])
    expect(pipeline.counts).toMatchObject({ in: 9, used: 6, late: 3 })
  })
})

describe('history is applied right behind a checkpoint', () => {
  const marker = (upTo: number): LogEntry => ({
    control: { kind: 'history', line: 'x', upTo },
    history: { segments: [], refused: [], stored: [] },
  })
  /** The windows alone: an error is thrown by them, and not told by a stream. */
  const fed = (...batches: readonly (readonly LogEntry[] | 'checkpoint')[]) => {
    const [symbols, lines] = [new Interner(), new Interner()]
    const [localSymbols, localLines] = [createSymbolIndex(symbols), createSymbolIndex(lines)]
    localSymbols.localOfName('A')
    const windows = createCandleWindows({
      ...{ symbols: localSymbols, lines: localLines, baseMs: 60_000, rollUpMs: [300_000], allowedLatenessMs: 0 },
      ...{ partition: 0, partitions: 1, watermark: { outOfOrdernessMs: 0, idleAfterMs: 1, futureBoundMs: 1 } },
      effects: {
        ...{ counts: createConservation(), deadLetter: () => undefined, skipped: () => undefined },
        ...{ refuse: () => undefined, takeOutcome: () => undefined, alarm: () => undefined },
      },
    })
    const log = createColumnLog(symbols, lines)
    for (const batch of batches)
      if (batch === 'checkpoint') windows.barrier(createCandleColumns())
      else windows.process(log.batch(batch))
    return windows
  }
  it.each<{ name: string; batches: readonly (readonly LogEntry[] | 'checkpoint')[] }>([
    { name: 'at the start', batches: [[marker(1)]] },
    { name: 'after a checkpoint', batches: [[tick(0)], 'checkpoint', [marker(1)], 'checkpoint', [marker(2)]] },
  ])('$name', ({ batches }) => {
    expect(fed(...batches).historyAppliedTo).toBe(batches.length === 1 ? 1 : 2)
  })
  it.each<{ name: string; batches: readonly (readonly LogEntry[] | 'checkpoint')[] }>([
    { name: 'a tick', batches: ['checkpoint', [tick(0)], [marker(1)]] },
    { name: 'a tick of its batch', batches: ['checkpoint', [tick(0), marker(1)]] },
    { name: 'a heartbeat', batches: [[heartbeat(0, 1), marker(1)]] },
    { name: 'history', batches: [[marker(1), marker(2)]] },
  ])('and not behind $name', ({ batches }) => {
    expect(() => fed(...batches)).toThrow('right behind a checkpoint')
  })
})

it('a tick of what history settled is told to be a duplicate, by its offset', () => {
  const skipped: unknown[] = []
  const pipeline = createTestPipeline({ onSkipped: (offset, reason) => skipped.push([offset, reason]) })
  pipeline.feed([
    {
      control: { kind: 'history', line: 'x', upTo: 1 },
      history: {
        segments: [
          { kind: 'trades', symbol: 'A', id: 's', part: 0, parts: 1, bucketFrom: 0, bucketTo: 60_000, trades: [] },
        ],
        ...{ refused: [], stored: [] },
      },
    },
    ...[tick(60_000), tick(59_999)],
  ])
  expect(skipped).toEqual([[2, 'duplicate']])
})
