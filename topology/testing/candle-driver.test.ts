import fc from 'fast-check'
import { expect, it } from 'vitest'
import { partitionOfKey } from '../../schemas/partitioner.ts'
import type { Tick } from '../../schemas/tick.ts'
import { oracleCandles } from '../../test/oracle.ts'
import { propertyMsMax, propertyRuns } from '../../test/property-runs.ts'
import { candles } from '../candles.ts'
import { builtAt, candle, tick } from './builders.ts'
import { topologyDriver } from './topology-driver.ts'

const minute = 60
const hour = 3_600_000
const covered = (to: number) => ({ kind: 'heartbeat', line: 'replay', from: builtAt, to, cursor: null }) as const
const startMs = builtAt + 48 * hour

it('makes candles of ticks, and closes them by heartbeats', () => {
  const driver = topologyDriver(candles, { partitions: 3, startMs })
  driver.pipe([
    tick({ tradeId: 1, price: 100, size: 1 }),
    tick({ tradeId: 2, price: 103, size: 2, eventTime: builtAt + 5000 }),
    covered(builtAt + 66_000),
  ])
  expect(driver.candles()).toEqual([])
  driver.commit()
  expect(driver.candles().filter(({ interval }) => interval === minute)).toEqual([
    candle({
      ...{ start: builtAt, open: 100, close: 103, volume: 3, quoteVolume: 306, trades: 2 },
      ...{ closedBy: 'idle', lastTradeId: 2 },
    }),
  ])
  expect(driver.open('BTC-USD', 300)).toMatchObject([{ open: 100, close: 103, final: false }])
  expect(driver.counts().every(({ breach }) => breach === 0)).toBe(true)
})

it('tells updates of open candles at the cadence of the wall clock', () => {
  const driver = topologyDriver(candles, { partitions: 1, startMs })
  driver.pipe([tick({ tradeId: 1, price: 100 })])
  driver.advanceWallClock('1s')
  driver.pipe([tick({ tradeId: 2, price: 101 })])
  driver.advanceWallClock('1s')
  const ofMinute = driver.updates().filter((update) => update.candle.interval === minute)
  expect(ofMinute.map((update) => [update.at - startMs, update.candle.close])).toEqual([
    [100, 100],
    [1100, 101],
  ])
})

it('makes dead letters of what cannot be a tick, with their place', () => {
  const driver = topologyDriver(candles, { partitions: 2, startMs })
  const partition = partitionOfKey('BTC-USD', 2)
  driver.pipe([tick({ price: -1 })])
  driver.pipeBytes(partition, Buffer.from('nonsense'))
  driver.commit()
  expect(driver.deadLetters()).toMatchObject(
    [
      { topic: 'ticks', partition, offset: 1, reason: 'MALFORMED' },
      { topic: 'ticks', partition, offset: 0, reason: 'BAD_PRICE', symbol: 'BTC-USD' },
    ].sort((a, b) => a.offset - b.offset),
  )
})

it('publishes what a commit owed once more after a crash', () => {
  const driver = topologyDriver(candles, { partitions: 1, startMs })
  driver.pipe([tick(), covered(builtAt + 66_000)])
  driver.commit({ dies: true })
  driver.crash()
  expect(driver.published().map((one) => [one.kind, one.candle.seq])).toEqual([
    ['final', 1],
    ['final', 1],
  ])
})

const symbols = ['BTC-USD', 'ETH-USD', 'SOL-USD', 'XRP-USD']
const runs = propertyRuns(50)

/** Ticks in order of time, over some hours. */
const histories = fc
  .array(
    fc.record({
      symbol: fc.constantFrom(...symbols),
      afterMs: fc.integer({ min: 0, max: 120_000 }),
      price: fc.integer({ min: 1, max: 1000 }),
      size: fc.integer({ min: 1, max: 50 }),
      side: fc.constantFrom('buy' as const, 'sell' as const),
    }),
    { minLength: 1, maxLength: 120 },
  )
  .map((steps): Tick[] => {
    let eventTime = builtAt
    return steps.map(({ afterMs, ...rest }, i) => {
      eventTime += afterMs
      return tick({ ...rest, eventTime, tradeId: i + 1 })
    })
  })
const events = fc.array(
  fc.record({
    event: fc.constantFrom('commit', 'die', 'crash', 'commit all', 'crash all', 'wait', 'again'),
    partition: fc.nat(4),
  }),
  { maxLength: 16 },
)

// Goal: batches, interleaving, crashes and partitions change no candle; the topology, not only its window core, says so.
it(
  'equals the oracle however ticks are cut, interleaved, crashed and partitioned',
  () => {
    fc.assert(
      fc.property(
        ...[histories, events, fc.option(fc.integer(), { nil: undefined }), fc.integer({ min: 1, max: 5 })],
        (ticks, happenings, seed, partitions) => {
          const driver = topologyDriver(candles, { partitions, startMs, ...(seed === undefined ? {} : { seed }) })
          const each = Math.ceil(ticks.length / (happenings.length + 1))
          for (let i = 0; i * each < ticks.length; i++) {
            const piece = ticks.slice(i * each, (i + 1) * each)
            driver.pipe(piece)
            const { event, partition = 0 } = happenings[i] ?? {}
            if (event === 'commit') driver.commit({ partition })
            else if (event === 'die') driver.commit({ partition, dies: true })
            else if (event === 'crash') driver.crash({ partition })
            else if (event === 'commit all') driver.commit()
            else if (event === 'crash all') driver.crash()
            else if (event === 'wait') driver.advanceWallClock('1s')
            else if (event === 'again') driver.pipe(piece)
          }
          driver.pipe([covered(builtAt + 30 * hour)])
          driver.commit()
          const expected = oracleCandles(ticks, [60, 300, 900, 1800, 3600, 14_400, 86_400])
          expect(driver.candles()).toMatchObject(expected.map(({ vwap: _, ...rest }) => rest))
          expect(driver.candles()).toHaveLength(expected.length)
          expect(driver.counts().filter(({ breach }) => breach !== 0)).toEqual([])
        },
      ),
      runs,
    )
  },
  propertyMsMax,
)
