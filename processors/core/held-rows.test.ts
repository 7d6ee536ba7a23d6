import { expect, it } from 'vitest'
import type { LogEntry } from '../../test/column-log.ts'
import { createTestPipeline, type TestPipeline } from '../../test/pipeline.ts'
import { aTick } from '../../test/tick-rows.ts'

const minute = 60_000
const first = 1_700_000_040_000
let ids = 0
const at = (symbol: string, ms: number, line = 'x'): LogEntry => ({
  tick: aTick({ symbol, eventTime: first + ms, tradeId: ++ids, sequence: ids, line }),
})
const before = [at('A', 0), at('B', 1000), at('A', 2000)]
const while_: LogEntry[] = [
  at('A', 3000),
  at('B', 4000),
  at('A', 5 * minute),
  at('A', 4 * minute),
  { control: { kind: 'heartbeat', line: 'x', from: 0, to: first + 5 * minute, cursor: null } },
  { control: { kind: 'heartbeat', line: 'x', from: first + 6 * minute, to: first + 9 * minute, cursor: null } },
  at('A', -minute),
  at('B', 9 * minute),
  { control: { kind: 'move', line: 'y', symbol: 'A' } },
  at('A', 40 * minute, 'y'),
  { control: { kind: 'end', line: 'x' } },
  { control: { kind: 'end', line: 'y' } },
]
const of = (pipeline: TestPipeline, symbol: string) =>
  [...pipeline.pulse(), ...pipeline.barrier().emitted].filter(({ candle }) => candle.symbol === symbol)

// Goal: a held key stands still, and every other key is as if it were not held.
// Method: the same log behind the same state, with and without the key held, in one batch and record by record.
it.each([1, while_.length])('a held key stands still, and the others are as without it, in batches of %i', (size) => {
  const origin = createTestPipeline()
  origin.feed(before)
  const states = [origin.barrier(true).state]
  const run = (isHeld: (symbol: string) => boolean): TestPipeline => {
    const pipeline = createTestPipeline({ states, isHeld })
    for (let i = 0; i < while_.length; i += size) pipeline.feed(while_.slice(i, i + size))
    return pipeline
  }
  const plain = run(() => false)
  const held = run((symbol) => symbol === 'A')
  const openBefore = createTestPipeline({ states }).openCandles('A', 60)
  expect(held.openCandles('A', 60)).toEqual(openBefore)
  expect(held.coverage).toEqual(plain.coverage.filter(({ symbol }) => symbol !== 'A'))
  expect(held.counts).toMatchObject({ in: 12, used: 2, late: 0, held: 5, control: 5 })
  const expected = of(plain, 'B')
  const [own, others] = [held.barrier().emitted.filter(({ candle }) => candle.symbol === 'A'), expected]
  expect(own).toEqual([])
  expect(
    of(
      run((symbol) => symbol === 'A'),
      'B',
    ),
  ).toEqual(others)
  expect(others.length).toBeGreaterThan(5)
})
