import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Candle } from '../../schemas/candle.ts'
import { intervalOf, storedIntervals } from '../../schemas/intervals.ts'
import { partitionOfKey } from '../../schemas/partitioner.ts'
import type { Tick } from '../../schemas/tick.ts'
import type { LogEntry } from '../../test/column-log.ts'
import { asOracle, oracleCandles } from '../../test/oracle.ts'
import { createTestPipeline } from '../../test/pipeline.ts'
import { propertyRuns } from '../../test/property-runs.ts'
import { tick as built } from '../../topology/testing/builders.ts'

const intervals = Object.values(storedIntervals)

const tick = (over: Partial<Tick> = {}): Tick =>
  built({
    ...{ symbol: 'BTC-USDT', eventTime: 0, price: 100, size: 1, side: 'buy', tradeId: 1, line: 'test', ingestTime: 0 },
    ...over,
  })

const key = (candle: Candle): string => `${candle.symbol} ${String(candle.interval).padStart(6, '0')} ${candle.start}`

/** Ticks of three symbols, out of order by less than the out-of-orderness, some sent twice. */
const logs = fc
  .array(
    fc.record({
      symbol: fc.constantFrom('A', 'B', 'C'),
      step: fc.oneof(
        { weight: 8, arbitrary: fc.integer({ min: 0, max: 400 }) },
        { weight: 1, arbitrary: fc.integer({ min: 0, max: 5_000_000 }) },
      ),
      back: fc.integer({ min: 0, max: 499 }),
      price: fc.integer({ min: 1, max: 10_000_000 }),
      size: fc.integer({ min: 1, max: 1_000_000_000 }),
      side: fc.constantFrom('buy', 'sell', 'unknown') as fc.Arbitrary<Tick['side']>,
      isTwice: fc.boolean(),
    }),
    { minLength: 1, maxLength: 200 },
  )
  .map((rows) => {
    const ids = new Map<string, number>()
    let time = -90_000_000
    return rows.flatMap((row): Tick[] => {
      time += row.step
      const tradeId = (ids.get(row.symbol) ?? 1000) + 1
      ids.set(row.symbol, tradeId)
      const one = tick({ ...row, price: row.price / 100, size: row.size / 1e8, tradeId, eventTime: time - row.back })
      return row.isTwice ? [one, one] : [one]
    })
  })

// Goal: no way of cutting the log into batches, commits and restarts changes a candle.
// Method: random log x random schedule; the last emission of every key must equal the brute-force oracle's.
it('the committed candles are those of the oracle, whatever the batches, checkpoints and restarts', () => {
  fc.assert(
    fc.property(
      logs,
      fc.array(
        fc.record({
          take: fc.integer({ min: 1, max: 40 }),
          next: fc.constantFrom('batch', 'pulse', 'barrier', 'restart'),
        }),
        { maxLength: 60 },
      ),
      (ticks, schedule) => {
        const table = new Map<string, Candle>()
        const states: ReadonlyMap<string, Uint8Array>[] = []
        let pipeline = createTestPipeline()
        const commit = (): void => {
          const { emitted, state } = pipeline.barrier(states.length === 0)
          states.push(state)
          for (const { kind, candle } of emitted) {
            const before = table.get(key(candle))
            expect(kind).toBe(before === undefined ? 'final' : 'correction')
            expect(candle.revision).toBeGreaterThan(before?.revision ?? 0)
            table.set(key(candle), candle)
          }
        }
        const log: LogEntry[] = [...ticks.map((one) => ({ tick: one })), { control: { kind: 'end', line: 'test' } }]
        let at = 0
        let inUse = 0
        for (const { take, next } of [...schedule, { take: log.length, next: 'barrier' }]) {
          pipeline.feed(log.slice(at, at + take))
          at = Math.min(log.length, at + take)
          if (next === 'pulse') pipeline.pulse()
          if (next === 'barrier' || next === 'restart') commit()
          if (next === 'restart') {
            inUse += pipeline.counts.in
            pipeline = createTestPipeline({ states })
          }
        }
        const oracle = oracleCandles(ticks, intervals)
        const got = [...table.values()].sort((a, b) => (key(a) < key(b) ? -1 : 1))
        const sortKey = (row: { symbol: string; interval: number; start: number }): string =>
          `${row.symbol} ${row.interval} ${row.start}`
        expect(new Map(got.map((candle) => [sortKey(candle), asOracle(candle)]))).toEqual(
          new Map(oracle.map((row) => [sortKey(row), row])),
        )
        expect(inUse + pipeline.counts.in).toBe(log.length)
      },
    ),
    propertyRuns(200),
  )
})

it('a tick within the lateness corrects the candle and its roll-ups in the same commit', () => {
  const pipeline = createTestPipeline()
  pipeline.feed([
    { tick: tick({ eventTime: 1000, tradeId: 1 }) },
    { tick: tick({ eventTime: 350_000, tradeId: 3, price: 50 }) },
  ])
  const first = pipeline.barrier(true).emitted
  expect(first.map(({ kind, candle }) => [kind, candle.interval, candle.start])).toEqual([
    ['final', 60, 0],
    ['final', 300, 0],
  ])
  const late = createTestPipeline()
  late.feed([{ tick: tick({ eventTime: 299_000, tradeId: 1 }) }, { tick: tick({ eventTime: 301_000, tradeId: 3 }) }])
  late.barrier(true)
  late.feed([{ tick: tick({ eventTime: 240_000, tradeId: 2, price: 7 }) }])
  const corrections = late.barrier().emitted
  expect(corrections.map(({ kind, candle }) => [kind, candle.interval, candle.open, candle.trades])).toEqual([
    ['correction', 60, 7, 2],
    ['correction', 300, 7, 2],
  ])
})

it('a tick behind the lateness changes nothing and is counted late', () => {
  const pipeline = createTestPipeline()
  pipeline.feed([{ tick: tick({ eventTime: 1_000_000, tradeId: 2 }) }, { tick: tick({ eventTime: 1000, tradeId: 1 }) }])
  expect(pipeline.counts).toMatchObject({ in: 2, used: 1, late: 1 })
})

it.each([
  { name: 'the watermark one before the end leaves the window open', at: 60_499, finals: 0 },
  { name: 'the watermark at the last instant closes it', at: 60_500, finals: 1 },
])('$name', ({ at, finals }) => {
  const pipeline = createTestPipeline()
  pipeline.feed([{ tick: tick({ eventTime: 0, tradeId: 1 }) }, { tick: tick({ eventTime: at, tradeId: 2 }) }])
  expect(pipeline.barrier().emitted.filter(({ candle }) => candle.interval === 60 && candle.start === 0)).toHaveLength(
    finals,
  )
})

it('a heartbeat closes a quiet window by idleness without moving event time', () => {
  const pipeline = createTestPipeline()
  const heartbeat = (from: number, to: number): LogEntry => ({
    control: { kind: 'heartbeat', line: 'test', from, to, cursor: null },
  })
  pipeline.feed([{ tick: tick({ eventTime: 1000 }) }, heartbeat(0, 65_499)])
  expect(pipeline.barrier().emitted).toEqual([])
  pipeline.feed([heartbeat(65_499, 65_500)])
  const closed = pipeline.barrier().emitted
  expect(closed.map(({ kind, candle }) => [kind, candle.interval, candle.closedBy, candle.fill])).toEqual([
    ['final', 60, 'idle', 'traded'],
  ])
  pipeline.feed([{ tick: tick({ eventTime: 2000, tradeId: 2 }) }])
  expect(pipeline.barrier().emitted.map(({ kind, candle }) => [kind, candle.trades])).toEqual([['correction', 2]])
})

it('a window that overlaps a gap between heartbeats is blind', () => {
  const pipeline = createTestPipeline()
  const heartbeat = (from: number, to: number): LogEntry => ({
    control: { kind: 'heartbeat', line: 'test', from, to, cursor: null },
  })
  pipeline.feed([
    heartbeat(0, 10_000),
    { tick: tick({ eventTime: 1000 }) },
    heartbeat(20_000, 30_000),
    { tick: tick({ eventTime: 100_000, tradeId: 2 }) },
  ])
  expect(pipeline.barrier().emitted.map(({ candle }) => [candle.interval, candle.fill, candle.partial])).toEqual([
    [60, 'blind', true],
  ])
})

it('the end of a line closes its windows; a later tick in time reopens them until they fire', () => {
  const pipeline = createTestPipeline()
  pipeline.feed([{ tick: tick({ eventTime: 1000 }) }, { control: { kind: 'end', line: 'test' } }])
  expect(pipeline.barrier().emitted.map(({ kind, candle }) => [kind, candle.closedBy])).toEqual(
    Array(7).fill(['final', 'end']),
  )
  expect(pipeline.openCandles('BTC-USDT', 60)).toEqual([])
  pipeline.feed([{ tick: tick({ eventTime: 2000, tradeId: 2 }) }])
  expect(pipeline.pulse().map(({ kind, candle }) => [kind, candle.trades])).toEqual(Array(7).fill(['update', 2]))
  expect(pipeline.barrier().emitted).toEqual([])
  expect(pipeline.openCandles('BTC-USDT', 60).map((candle) => candle.trades)).toEqual([2])
  pipeline.feed([{ tick: tick({ eventTime: 61_000, tradeId: 3 }) }])
  expect(pipeline.barrier().emitted.map(({ kind, candle }) => [kind, candle.interval, candle.trades])).toEqual([
    ['correction', 60, 2],
  ])
})

it('the same log again after its end changes nothing', () => {
  const pipeline = createTestPipeline()
  const log: LogEntry[] = [
    ...Array.from({ length: 500 }, (_, i) => ({ tick: tick({ eventTime: i * 700, tradeId: i + 1, price: 100 + i }) })),
    { control: { kind: 'end', line: 'test' } },
  ]
  pipeline.feed(log)
  expect(pipeline.barrier().emitted.length).toBeGreaterThan(0)
  pipeline.feed(log)
  expect(pipeline.barrier().emitted).toEqual([])
  expect(pipeline.counts).toMatchObject({ used: 500, duplicate: 500 })
})

it('a jump of the clock over years emits only the open windows, and no state is left behind but the newest', () => {
  const pipeline = createTestPipeline()
  pipeline.feed([{ tick: tick({ eventTime: 1000 }) }, { tick: tick({ eventTime: 1e12, tradeId: 2 }) }])
  expect(pipeline.barrier().emitted).toHaveLength(7)
  expect(pipeline.openCandles('BTC-USDT', 60)).toHaveLength(1)
})

it('a symbol that moves keeps the lateness it had', () => {
  const pipeline = createTestPipeline()
  pipeline.feed([
    { tick: tick({ eventTime: 1_000_000, tradeId: 5 }) },
    { control: { kind: 'move', line: 'other', symbol: 'BTC-USDT' } },
    { tick: tick({ eventTime: 1000, tradeId: 1, line: 'other' }) },
    { tick: tick({ eventTime: 1_000_001, tradeId: 6 }) },
  ])
  expect(pipeline.counts).toMatchObject({ used: 1, late: 1, rejected: 1 })
  expect(pipeline.refusals.map((refusal) => refusal.reason)).toEqual(['WRONG_LINE'])
})

it('a symbol that moves to a line further on is closed at once by its time, and its places are free', () => {
  const pipeline = createTestPipeline()
  const move: LogEntry = { control: { kind: 'move', line: 'other', symbol: 'BTC-USDT' } }
  pipeline.feed([
    { tick: tick({ eventTime: 20_000, tradeId: 1 }) },
    { tick: tick({ symbol: 'ETH-USDT', eventTime: 250_000, line: 'other' }) },
    move,
  ])
  expect(pipeline.barrier().emitted.map(({ kind, candle }) => [kind, candle.symbol, candle.interval])).toEqual([
    ['final', 'BTC-USDT', 60],
  ])
  // Four base windows on: the place of the first one in the ring.
  pipeline.feed([{ tick: tick({ eventTime: 260_000, tradeId: 2, line: 'other' }) }])
  expect(pipeline.counts).toMatchObject({ used: 3, rejected: 0 })
  expect(pipeline.openCandles('BTC-USDT', 60).map((candle) => candle.start)).toEqual([240_000])
})

it('a candle that came and went between two commits is open until its commit', () => {
  const pipeline = createTestPipeline()
  pipeline.feed([0, 70_000, 140_000, 600_000].map((eventTime, i) => ({ tick: tick({ eventTime, tradeId: i + 1 }) })))
  expect(pipeline.openCandles('BTC-USDT', 60).map((candle) => candle.start)).toEqual([0, 60_000, 120_000, 600_000])
  pipeline.barrier()
  expect(pipeline.openCandles('BTC-USDT', 60).map((candle) => candle.start)).toEqual([600_000])
})

it('a symbol in another partition than its own is a dead letter, and takes no place', () => {
  const pipeline = createTestPipeline({ partitions: 8 })
  const own = ['A', 'B', 'C', 'D', 'E', 'F', 'G', 'H'].filter((symbol) => partitionOfKey(symbol, 8) === 0)
  pipeline.feed(['A', 'B', 'C', 'D', 'E', 'F', 'G', 'H'].map((symbol) => ({ tick: tick({ symbol }) })))
  expect(pipeline.counts).toMatchObject({ used: own.length, rejected: 8 - own.length })
  expect(new Set(pipeline.refusals.map((refusal) => refusal.reason))).toEqual(new Set(['WRONG_PARTITION']))
})

it.each([
  { name: 'a price of 0', over: { price: 0 }, reason: 'BAD_PRICE' },
  { name: 'a negative price', over: { price: -1 }, reason: 'BAD_PRICE' },
  { name: 'a price that is no number', over: { price: Number.NaN }, reason: 'BAD_PRICE' },
  { name: 'a price whose products are not finite', over: { price: 1e301 }, reason: 'BAD_PRICE' },
  { name: 'an infinite size', over: { size: Number.POSITIVE_INFINITY }, reason: 'BAD_SIZE' },
  { name: 'a size of 0', over: { size: 0 }, reason: 'BAD_SIZE' },
  { name: 'a symbol with a line break', over: { symbol: 'A\nB' }, reason: 'BAD_SYMBOL' },
  { name: 'an event time before the year 1', over: { eventTime: -300_000_000_000_000 }, reason: 'BAD_TIME' },
  { name: 'an event time ahead of the append time', over: { eventTime: 160_001 }, reason: 'FUTURE_TIME' },
])('$name is a dead letter and moves nothing', ({ over, reason }) => {
  const pipeline = createTestPipeline()
  pipeline.feed([
    { tick: tick({ eventTime: 90_000, ...over }), appendTime: 100_000 },
    { tick: tick({ eventTime: 90_000 }), appendTime: 100_000 },
  ])
  expect(pipeline.refusals.map((refusal) => refusal.reason)).toEqual([reason])
  expect(pipeline.counts).toMatchObject({ in: 2, used: 1, rejected: 1 })
  expect(intervalOf('1m')).toBe(60)
})

it('a new line has its watermark, however the lines before it were read back', () => {
  const name = (i: number): LogEntry => ({ tick: tick({ symbol: `S${i}`, line: `line-${i}`, eventTime: 1000 }) })
  const before: LogEntry[] = [
    // Its line is the first to be written, and so to be read, under a number that is not its own.
    { control: { kind: 'heartbeat', line: 'line-16', from: 0, to: 1, cursor: null } },
    ...Array.from({ length: 34 }, (_, i) => name(i)),
  ]
  const after = Array.from({ length: 20 }, (_, i): LogEntry => {
    const tradeId = i + 1
    return { tick: tick({ symbol: 'NEW', line: 'line-34', eventTime: i * 60_000, tradeId, sequence: tradeId }) }
  })
  const whole = createTestPipeline()
  whole.feed(before)
  const { state } = whole.barrier(true)
  const again = createTestPipeline({ states: [state] })
  whole.feed(after)
  again.feed(after)
  const emitted = whole.barrier().emitted
  expect(emitted.length).toBeGreaterThan(10)
  expect(again.barrier().emitted).toEqual(emitted)
})

// What is committed is a function of the log up to the commit: where the commits before it lay changes nothing.
describe('a window that the end of its line closed', () => {
  const minute = 60_000
  const at = (eventTime: number, tradeId: number, price: number): LogEntry => ({
    tick: tick({ symbol: 'A', line: 'x', eventTime, tradeId, sequence: tradeId, price }),
  })
  const end: LogEntry = { control: { kind: 'end', line: 'x' } }
  const log = [at(1000, 1, 10), end, at(2000, 2, 20), end, at(3000, 3, 30)]
  /** The table after the log, with barriers behind these places. */
  const tableAfter = (barriers: readonly number[], more: readonly LogEntry[] = []) => {
    const pipeline = createTestPipeline()
    const table = new Map<string, object>()
    const kinds: string[] = []
    const take = (): void => {
      for (const { kind, candle } of pipeline.barrier().emitted) {
        if (candle.interval === 60) kinds.push(`${kind} ${candle.close}`)
        table.set(`${candle.interval} ${candle.start}`, { ...candle, seq: 0 })
      }
    }
    for (const [i, entry] of [...log, ...more].entries()) {
      pipeline.feed([entry])
      if (barriers.includes(i)) take()
    }
    take()
    return { table, kinds }
  }
  it('is in the table as it was closed, though a tick opened it again before the commit', () => {
    expect(tableAfter([]).table).toEqual(tableAfter([1, 3]).table)
    expect(tableAfter([]).table).toEqual(tableAfter([0, 1, 2, 3, 4]).table)
    expect(tableAfter([]).kinds).toEqual(['final 20'])
    expect(tableAfter([1, 3]).kinds).toEqual(['final 10', 'correction 20'])
  })
  it('is said once in a commit, at its newest, where it closes again', () => {
    const close = at(5 * minute, 4, 40)
    expect(tableAfter([], [close]).table).toEqual(tableAfter([1, 3], [close]).table)
    expect(tableAfter([], [close]).kinds).toEqual(['final 30'])
    expect(tableAfter([1], [close]).kinds).toEqual(['final 10', 'correction 30'])
  })
})
