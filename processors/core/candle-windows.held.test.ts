import { describe, expect, it } from 'vitest'
import type { LogEntry } from '../../test/column-log.ts'
import { end, heartbeat, minutesOf, move, tick } from '../../test/log-entries.ts'
import { createTestPipeline, type TestPipeline } from '../../test/pipeline.ts'

/** Where A is held and B is not, each with an open window; and the state before. */
function holding(): { readonly pipeline: TestPipeline; readonly states: ReadonlyMap<string, Uint8Array>[] } {
  const before = createTestPipeline()
  before.feed([tick(1000, { symbol: 'A' }), tick(1000, { symbol: 'B' }), heartbeat(-90_000_000, 10_000)])
  const states = [before.barrier(true).state]
  return { pipeline: createTestPipeline({ states, isHeld: (symbol) => symbol === 'A' }), states }
}

describe('the windows of a symbol that is held stand still', () => {
  it.each<{ name: string; entries: readonly LogEntry[]; by: string }>([
    { name: 'when the watermark passes them', entries: [tick(100_000, { symbol: 'B' })], by: 'watermark' },
    { name: 'when their line is idle', entries: [heartbeat(10_000, 100_000)], by: 'idle' },
    { name: 'at the end of their line', entries: [end()], by: 'end' },
    { name: 'while its own ticks move the time of others', entries: [tick(100_000, { symbol: 'A' })], by: 'watermark' },
  ])('$name', ({ entries, by }) => {
    const { pipeline } = holding()
    pipeline.feed(entries)
    expect(minutesOf(pipeline.barrier().emitted)).toEqual([['final', 'B', 0, 1, by]])
  })
  it('at the last instant of a window of others, which its ticks reach, and not before', () => {
    const { pipeline } = holding()
    pipeline.feed([tick(60_499, { symbol: 'A' })])
    expect(pipeline.barrier().emitted).toEqual([])
    pipeline.feed([tick(60_500, { symbol: 'A' }), tick(60_400, { symbol: 'A' })])
    expect(minutesOf(pipeline.barrier().emitted)).toEqual([['final', 'B', 0, 1, 'watermark']])
  })
  it('and are told of no gap', () => {
    const { pipeline } = holding()
    pipeline.feed([heartbeat(20_000, 30_000)])
    expect(pipeline.coverage).toEqual([{ symbol: 'B', from: 10_000, to: 20_000, kind: 'blind' }])
  })
  it('and it moves to no other line', () => {
    const { pipeline, states } = holding()
    pipeline.feed([move('A', 'y')])
    const next = createTestPipeline({ states: [...states, pipeline.barrier().state] })
    next.feed([tick(100_000, { symbol: 'C', line: 'y' })])
    expect(next.barrier().emitted).toEqual([])
  })
  it('and a release changes nothing here', () => {
    const { pipeline } = holding()
    pipeline.feed([{ control: { kind: 'release', line: 'x', symbol: 'A' } }])
    expect(pipeline.barrier().emitted).toEqual([])
  })
})
