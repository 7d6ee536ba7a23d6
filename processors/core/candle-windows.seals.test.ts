import { describe, expect, it } from 'vitest'
import { verdict } from '../../schemas/columns.ts'
import type { LogEntry } from '../../test/column-log.ts'
import { end, heartbeat, history, minute, tick } from '../../test/log-entries.ts'
import { createTestPipeline, type Emitted, type TestPipeline } from '../../test/pipeline.ts'

const other = (at: number): LogEntry => tick(at, { symbol: 'B' })
/** A pipeline behind a commit of `entries`, to which a marker brings trades. */
function marked(
  entries: readonly LogEntry[],
  ...brought: readonly [from: number, to: number, times: readonly number[]]
): TestPipeline {
  const pipeline = createTestPipeline()
  pipeline.feed(entries)
  pipeline.barrier(true)
  pipeline.feed([history(...brought)])
  return pipeline
}
const said = (emitted: readonly Emitted[], interval: number): unknown[] =>
  emitted
    .filter(({ candle }) => candle.symbol === 'A' && candle.interval === interval)
    .map(({ kind, candle }) => [kind, candle.start / minute, candle.trades, candle.closedBy, candle.fill])

it('a window that history has emptied in part is none when it fires and expires at once', () => {
  const pipeline = marked([tick(1000)], 0, 4 * minute, [])
  pipeline.feed([tick(2_000_000)])
  expect(said(pipeline.barrier().emitted, 300)).toEqual([])
})

it('a window of history that the watermark closed is not closed again by the end of its line', () => {
  const pipeline = marked([tick(1000), other(1000)], 10 * minute, 11 * minute, [10 * minute])
  pipeline.feed([other(15 * minute + 500)])
  expect(said(pipeline.barrier().emitted, 300)).toContainEqual(['final', 10, 1, 'watermark', 'traded'])
  pipeline.feed([end()])
  expect(said(pipeline.barrier().emitted, 300)).toEqual([])
})

it('a window of history that the watermark closed is in the image of what changed', () => {
  const pipeline = marked([tick(1000), other(1000)], 10 * minute, 11 * minute, [10 * minute])
  pipeline.feed([other(13 * minute + 500)])
  const states = [pipeline.barrier(true).state]
  pipeline.feed([other(15 * minute + 500)])
  states.push(pipeline.barrier().state)
  const full = pipeline.barrier(true).state.get('candles.history')
  expect(createTestPipeline({ states }).barrier(true).state.get('candles.history')).toEqual(full)
})

it('a symbol of history only is closed where the time of its line stands when it comes to one', () => {
  const pipeline = marked([other(1000)], 10 * minute, 11 * minute, [10 * minute])
  pipeline.feed([other(16 * minute)])
  expect(said(pipeline.barrier().emitted, 300)).toEqual([])
  pipeline.feed([tick(16 * minute + 1)])
  expect(said(pipeline.barrier().emitted, 300)).toEqual([['final', 10, 1, 'watermark', 'traded']])
})

describe('a window above what history brings', () => {
  it('is final at once where the watermark has passed it', () => {
    const pipeline = marked([tick(6 * minute)], 0, minute, [1000])
    expect(said(pipeline.barrier().emitted, 300)).toEqual([['final', 0, 1, 'watermark', 'traded']])
  })
  it('is closed by history where all of it is settled', () => {
    const pipeline = marked([tick(1000)], 0, 5 * minute, [1000, 61_000])
    expect(said(pipeline.barrier().emitted, 300)).toEqual([['final', 0, 2, 'history', 'traded']])
  })
  it('stays closed by what had closed it before', () => {
    const pipeline = marked([tick(1000), tick(6 * minute)], 0, 5 * minute, [1000, 61_000])
    expect(said(pipeline.barrier().emitted, 300)).toEqual([['correction', 0, 2, 'watermark', 'traded']])
  })
  it('is updated at the next pulse', () => {
    const pipeline = createTestPipeline()
    pipeline.feed([tick(1000)])
    pipeline.pulse()
    pipeline.barrier(true)
    pipeline.feed([history(2 * minute, 3 * minute, [130_000])])
    expect(said(pipeline.pulse(), 300)).toEqual([['update', 0, 2, 'open', 'traded']])
  })
})

describe('what history settled', () => {
  it('is told with its times', () => {
    const pipeline = marked([tick(1000)], 10 * minute, 12 * minute, [])
    expect(pipeline.coverage).toEqual([{ symbol: 'A', from: 10 * minute, to: 12 * minute, kind: 'settled' }])
  })
  it('is not kept where its lateness is over, at its ms', () => {
    const bytesAt = (at: number): number =>
      marked([tick(at)], 0, minute, [1000])
        .barrier(true)
        .state.get('candles.history')?.length ?? 0
    expect(bytesAt(180_500)).toBeLessThan(bytesAt(180_499))
    expect(bytesAt(180_501)).toBe(bytesAt(180_500))
  })
  it('is told of a tick that comes after it, in its batch', () => {
    const pipeline = marked([tick(1000)], 0, minute, [1000])
    const { columns } = pipeline.feed([tick(2000), tick(61_000)])
    expect([...columns.verdict.subarray(0, 2)]).toEqual([verdict.duplicate, verdict.undecided])
  })
  const before = heartbeat(-1440 * minute, 10_000)

  it('stays known for the longer windows above where its line was blind', () => {
    const entries = [before, tick(1000), heartbeat(70_000, 80_000), tick(100_000)]
    const pipeline = marked(entries, 0, 2 * minute, [1000, 90_000])
    pipeline.feed([tick(20 * minute), tick(40 * minute), end()])
    expect(said(pipeline.barrier().emitted, 86_400)).toEqual([['final', 0, 4, 'end', 'traded']])
  })
  it('is forgotten with its lateness where its line was not, whatever was before', () => {
    const bytesAt = (at: number): number => {
      const entries = [before, tick(1000), heartbeat(70_000, 80_000), other(100_000)]
      const pipeline = marked(entries, 10 * minute, 11 * minute, [10 * minute])
      pipeline.feed([other(at)])
      return pipeline.barrier(true).state.get('candles.history')?.length ?? 0
    }
    expect(bytesAt(13 * minute + 500)).toBeLessThan(bytesAt(13 * minute + 499))
  })
})
