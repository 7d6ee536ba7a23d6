import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { ControlRecord } from '../../schemas/control.ts'
import { storedIntervals } from '../../schemas/intervals.ts'
import { arrivals, arrived, candleKey, contentsOf, lineEnd, tableOf } from '../../test/candle-logs.ts'
import type { LogEntry } from '../../test/column-log.ts'
import { oracleCandles } from '../../test/oracle.ts'
import { createTestPipeline, type Emitted, type PipelineOptions } from '../../test/pipeline.ts'
import { propertyRuns } from '../../test/property-runs.ts'
import { type Conservation, conservationBreach, createConservation } from './effects.ts'

const runs = propertyRuns(100)
const intervals = Object.values(storedIntervals)
/** Out-of-orderness and lateness of the pipeline. */
const delayMsMax = 500 + 120_000
const counted = ['in', 'used', 'late', 'duplicate', 'rejected', 'held', 'control'] as const

interface Outcome {
  readonly emitted: Emitted[]
  readonly counts: Conservation
}

/** Feeds a log in batches, each with a commit behind it; behind every so many, a restart from what was committed. */
function play(log: readonly LogEntry[], batch: number, restartEvery: number, options: PipelineOptions = {}): Outcome {
  const states: ReadonlyMap<string, Uint8Array>[] = []
  const emitted: Emitted[] = []
  const counts = createConservation()
  let pipeline = createTestPipeline(options)
  const addCounts = (): void => {
    for (const name of counted) counts[name] += pipeline.counts[name]
  }
  for (let at = 0, n = 1; at < log.length; at += batch, n++) {
    pipeline.feed(log.slice(at, at + batch))
    expect(conservationBreach(pipeline.counts)).toBe(0)
    const committed = pipeline.barrier(states.length === 0)
    emitted.push(...committed.emitted)
    states.push(committed.state)
    if (n % restartEvery !== 0) continue
    addCounts()
    pipeline = createTestPipeline({ ...options, states })
  }
  addCounts()
  return { emitted, counts }
}

const never = Number.POSITIVE_INFINITY
const batches = fc.integer({ min: 1, max: 50 })
const restarts = fc.integer({ min: 1, max: 8 })

// Goal: the order of arrival is an accident that changes nothing, within out-of-orderness and lateness.
// Method: each tick comes by a delay of its own, then by another; both tables are the oracle's, which knows no order.
it('any arrival order within lateness gives the same candles', () => {
  fc.assert(
    fc.property(arrivals(delayMsMax), batches, (given, batch) => {
      const ticks = given.map(({ tick }) => tick)
      const expected = contentsOf(oracleCandles(ticks, intervals))
      for (const delay of ['delayMs', 'otherDelayMs'] as const) {
        const log = [...arrived(given, (one) => one[delay]), lineEnd]
        const { emitted, counts } = play(log, batch, never)
        expect(counts).toMatchObject({ used: given.length, late: 0, duplicate: 0 })
        expect(tableOf(emitted)).toEqual(expected)
      }
    }),
    runs,
  )
})

// Goal: no roll-up says anything that its parts do not.
// Method: each stored candle against the 1m candles of its time in the same table, late ticks and restarts included.
it('a candle of 5m, and of each longer interval, is the merge of its 1m candles', () => {
  fc.assert(
    fc.property(arrivals(3 * delayMsMax), batches, restarts, (given, batch, restartEvery) => {
      const table = tableOf(play([...arrived(given, (one) => one.delayMs), lineEnd], batch, restartEvery).emitted)
      const minutes = [...table.values()]
        .filter(({ interval }) => interval === 60)
        .sort((a, b) => a.start - b.start || (a.symbol < b.symbol ? -1 : 1))
      const merged = new Map<string, (typeof minutes)[number]>()
      for (const interval of intervals)
        for (const minute of minutes) {
          const start = Math.floor(minute.start / (interval * 1000)) * interval * 1000
          const key = candleKey({ ...minute, interval, start })
          const before = merged.get(key)
          merged.set(key, {
            ...minute,
            ...{ interval, start },
            open: before?.open ?? minute.open,
            firstTradeId: before?.firstTradeId ?? minute.firstTradeId,
            high: Math.max(before?.high ?? minute.high, minute.high),
            low: Math.min(before?.low ?? minute.low, minute.low),
            volume: (before?.volume ?? 0) + minute.volume,
            quoteVolume: (before?.quoteVolume ?? 0) + minute.quoteVolume,
            buyVolume: (before?.buyVolume ?? 0) + minute.buyVolume,
            trades: (before?.trades ?? 0) + minute.trades,
          })
        }
      expect(table).toEqual(merged)
    }),
    runs,
  )
})

const controls: fc.Arbitrary<LogEntry> = fc
  .oneof<fc.Arbitrary<ControlRecord>[]>(
    fc.record({
      ...{ kind: fc.constant('heartbeat' as const), line: fc.constantFrom('x', 'y') },
      ...{ from: fc.integer({ min: -4e6, max: 1e6 }), to: fc.integer({ min: -4e6, max: 1e7 }) },
      cursor: fc.constant(null),
    }),
    fc.record({
      ...{ kind: fc.constant('move' as const), line: fc.constantFrom('x', 'y') },
      symbol: fc.constantFrom('A', 'B', 'bad\nname'),
    }),
    fc.record({ kind: fc.constant('end' as const), line: fc.constantFrom('x', 'y') }),
    fc.constant({
      ...{ kind: 'reject' as const, line: 'x', source: 'f.csv', position: 1 },
      ...{ reason: 'BAD_LINE', detail: 'no line', payload: '' },
    }),
  )
  .map((control) => ({ control, appendTime: 3_000_000 }))

const spoilt = fc.constantFrom('no', 'no', 'no', 'twice', 'price', 'line', 'time', 'symbol')

// Goal: every record is counted once, and as the same, however the log is cut and wherever it is taken up again.
// Method: logs of ticks, good, late, twice and spoilt, of symbols of another partition, and of controls.
it('conservation holds at every commit, and counts are the same however the log is cut and taken up', () => {
  const logs = fc
    .tuple(arrivals(6 * delayMsMax), fc.array(fc.tuple(fc.nat(120), spoilt)), fc.array(fc.tuple(fc.nat(120), controls)))
    .map(([given, damage, placed]) => {
      const log = arrived(given, (one) => one.delayMs)
      for (const [at, how] of damage) {
        const entry = log[at % log.length]
        if (entry === undefined || 'control' in entry) continue
        if (how === 'twice') log.push(entry)
        else if (how === 'price') log[at % log.length] = { tick: { ...entry.tick, price: -1 } }
        else if (how === 'line') log[at % log.length] = { tick: { ...entry.tick, line: 'y' } }
        else if (how === 'time') log[at % log.length] = { tick: entry.tick, appendTime: entry.tick.eventTime - 60_001 }
        else if (how === 'symbol') log[at % log.length] = { tick: { ...entry.tick, symbol: '*' } }
      }
      for (const [at, control] of placed) log.splice(at % (log.length + 1), 0, control)
      // What an end closed and a tick has opened again was told or not by where the commits were: all is closed at last.
      return [...log, lineEnd, { control: { kind: 'end' as const, line: 'y' } }]
    })
  fc.assert(
    fc.property(logs, batches, batches, restarts, (log, batch, other, restartEvery) => {
      const options = { partitions: 2 }
      const first = play(log, batch, restartEvery, options)
      const second = play(log, other, never, options)
      expect(first.counts.in).toBe(log.length)
      expect(first.counts).toEqual(second.counts)
      expect(tableOf(first.emitted)).toEqual(tableOf(second.emitted))
    }),
    runs,
  )
})

// Goal: what is over is forgotten: state does not grow with what has been.
// Method: when time has passed every window and its lateness, the whole state of the step is, byte by byte, that of a
// partition that has seen one tick of each symbol.
it('no state is left of windows whose lateness is over', () => {
  const day = 86_400_000
  fc.assert(
    fc.property(arrivals(2 * delayMsMax), batches, (given, batch) => {
      const log = arrived(given, (one) => one.delayMs)
      const last = Math.max(...given.map(({ tick }) => tick.eventTime))
      const stateOf = (entries: readonly LogEntry[]): Uint8Array | undefined => {
        const pipeline = createTestPipeline()
        for (let at = 0; at < entries.length; at += batch) {
          pipeline.feed(entries.slice(at, at + batch))
          pipeline.barrier()
        }
        const [first] = given
        const beyond = { eventTime: last + 2 * day, tradeId: 1000, sequence: 1000, symbol: 'Z' }
        if (first !== undefined) pipeline.feed([{ tick: { ...first.tick, ...beyond } }])
        return pipeline.barrier(true).state.get('candles')
      }
      const symbolOf = (entry: LogEntry): string => ('tick' in entry ? entry.tick.symbol : '')
      const firsts = log.filter((entry, i) => log.findIndex((other) => symbolOf(other) === symbolOf(entry)) === i)
      expect(stateOf(log)).toEqual(stateOf(firsts))
    }),
    runs,
  )
})
