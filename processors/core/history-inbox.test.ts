import { expect, it } from 'vitest'
import type { HistoryInput } from '../../schemas/history.ts'
import { partitionOfKey } from '../../schemas/partitioner.ts'
import { createTestPipeline, type PipelineOptions, type TestPipeline } from '../../test/pipeline.ts'
import { ofTrades, tradeAt } from '../../test/segments.ts'
import { sealRangesMax } from './candle-history.ts'
import { segmentPartsMax } from './segment-parts.ts'

const minute = 60_000
const input = (over: Partial<HistoryInput>): HistoryInput => ({ segments: [], refused: [], stored: [], ...over })

/** A pipeline that a marker brought this to. */
function brought(over: Partial<HistoryInput>, options: PipelineOptions = {}): TestPipeline {
  const pipeline = createTestPipeline(options)
  pipeline.feed([{ control: { kind: 'history', line: 'x', upTo: 1 }, history: input(over) }])
  return pipeline
}
const refusals = (pipeline: TestPipeline): unknown[] =>
  pipeline.refusals.map(({ offset, reason, symbol, detail }) => [offset, reason, symbol, detail])
const minutes = (pipeline: TestPipeline): unknown[] =>
  pipeline.barrier().emitted.flatMap(({ candle }) => (candle.interval === 60 ? [[candle.symbol, candle.trades]] : []))

it('what is no segment is a dead letter at the marker, with an alarm, and the others apply', () => {
  const bad = ofTrades([tradeAt(-1)], { id: 'bad' })
  const pipeline = brought({ segments: [bad, ofTrades([tradeAt(1)])], refused: [{ offset: 7, detail: 'no Avro' }] })
  expect(refusals(pipeline)).toEqual([
    [0, 'BAD_HISTORY', '', 'record 7 of history: no Avro'],
    [0, 'BAD_HISTORY', 'A', 'segment bad: its trades lie within it, one was at -1'],
  ])
  expect(pipeline.alarms).toEqual(['history_refused', 'history_refused'])
  expect(minutes(pipeline)).toEqual([['A', 1]])
})

it('a segment of another partition is refused', () => {
  const partition = partitionOfKey('A', 4)
  expect(refusals(brought({ segments: [ofTrades([])] }, { partition, partitions: 4 }))).toEqual([])
  const [refusal] = refusals(brought({ segments: [ofTrades([])] }, { partition: (partition + 1) % 4, partitions: 4 }))
  expect(refusal).toEqual([0, 'BAD_HISTORY', 'A', 'segment s: its symbol is of another partition'])
})

it('segments apply when their last part has come, of each symbol in order', () => {
  const pipeline = brought({
    segments: [
      ofTrades([tradeAt(1)], { id: 'a', part: 0, parts: 2 }),
      ofTrades([tradeAt(1)], { id: 'b', symbol: 'B' }),
      ofTrades([tradeAt(1), tradeAt(2)], { id: 'c', symbol: 'B' }),
      ofTrades([tradeAt(minute)], { id: 'a', part: 1, parts: 2 }),
    ],
  })
  expect(minutes(pipeline)).toEqual([
    ['B', 2],
    ['A', 1],
    ['A', 1],
  ])
})

it('parts that do not belong together, or are too many, are refused', () => {
  const pipeline = brought({
    segments: [
      ofTrades([], { parts: 2 }),
      ofTrades([], { part: 1, parts: 3 }),
      ofTrades([], { id: 'many', parts: segmentPartsMax + 1 }),
    ],
  })
  expect(refusals(pipeline)).toEqual([
    [0, 'BAD_HISTORY', 'A', 'segment s: the parts of s are not of one segment'],
    [0, 'BAD_HISTORY', 'A', `segment many: a segment has at most ${segmentPartsMax} parts`],
  ])
})

it('history of a held symbol waits for its release', () => {
  const pipeline = brought({ segments: [ofTrades([tradeAt(1)])] }, { isHeld: (symbol) => symbol === 'A' })
  expect(minutes(pipeline)).toEqual([])
  expect(refusals(pipeline)).toEqual([])
})

it('a segment that would settle too many separate ranges is refused, and what came before it stays', () => {
  const apart = Array.from({ length: sealRangesMax + 1 }, (_, i) =>
    ofTrades([tradeAt(2 * i * minute)], { id: `s${i}`, bucketFrom: 2 * i * minute, bucketTo: (2 * i + 1) * minute }),
  )
  const pipeline = brought({ segments: apart })
  expect(refusals(pipeline)).toEqual([
    [0, 'BAD_HISTORY', 'A', `s${sealRangesMax}: more than ${sealRangesMax} separate ranges of A would be settled`],
  ])
  expect(minutes(pipeline)).toHaveLength(sealRangesMax)
})

it('a segment whose parts do not all come goes in the end, as a dead letter', () => {
  // Two times half of what may wait, and one more.
  const half = Array.from({ length: 10_000 }, (_, i) => tradeAt(i))
  const parts = (id: string) => Array.from({ length: 26 }, (_, part) => ofTrades(half, { id, part, parts: 27 }))
  const pipeline = brought({ segments: [...parts('old'), ...parts('new')] })
  expect(refusals(pipeline)).toEqual([[0, 'BAD_HISTORY', 'A', 'segment old: its parts did not all come']])
})

it('rows of the store are those of their own symbol', () => {
  const stored = createTestPipeline()
  stored.feed([
    { control: { kind: 'history', line: 'x', upTo: 1 }, history: input({ segments: [ofTrades([tradeAt(1)])] }) },
  ])
  const rows = stored.barrier().emitted.map(({ candle }) => candle)
  const segments = [ofTrades([tradeAt(1)]), ofTrades([tradeAt(1)], { id: 'b', symbol: 'B' })]
  // The store holds A's candle already: nothing changes there.
  expect(minutes(brought({ segments, stored: rows }))).toEqual([['B', 1]])
})
