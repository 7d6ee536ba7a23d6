import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { Tick } from '../../../schemas/tick.ts'
import { oracleCandles } from '../../../test/oracle.ts'
import { propertyRuns } from '../../../test/property-runs.ts'
import { record, watermark } from '../../../topology/testing/elements.ts'
import { driveFlow } from '../../../topology/testing/flow-driver.ts'
import { aggregate } from '../../operators/aggregate.ts'
import { tumblingWindows } from '../../operators/windows.ts'
import { createByteReader, createByteWriter } from '../byte-buffer.ts'
import { type CandleTrade, candleAggregate, type WindowCandle } from './candle-aggregate.ts'

const minuteMs = 60_000

const ticks = fc
  .array(
    fc.record({
      eventTime: fc.integer({ min: -3 * minuteMs, max: 3 * minuteMs }),
      price: fc.integer({ min: 1, max: 1e6 }).map((cents) => cents / 100),
      size: fc.integer({ min: 1, max: 1e6 }).map((units) => units / 1e4),
      isBuy: fc.boolean(),
    }),
    { minLength: 1, maxLength: 60 },
  )
  .map((rows) =>
    rows.map(
      ({ eventTime, price, size, isBuy }, i): Tick => ({
        ...{ symbol: 'A', eventTime, price, size, side: isBuy ? 'buy' : 'sell', tradeId: i + 1, idOrder: 'monotonic' },
        ...{ sequence: i + 1, line: 'x', ingestTime: 0 },
      }),
    ),
  )

// Goal: what any window makes of trades is what `toCandles` and the oracle make of them, whatever their order.
// Method: random trades in two orders, and restarts between; every closed minute against brute force.
it("the candle of a window is the oracle's, in any order of arrival, across restarts", () => {
  fc.assert(
    fc.property(ticks, fc.nat(), (arrived, turn) => {
      const driver = driveFlow(
        aggregate('candles', { window: tumblingWindows('1m'), allowedLateness: '10m', aggregate: candleAggregate }),
      )
      const at = turn % arrived.length
      const closed = new Map<number, WindowCandle>()
      for (const tick of [...arrived.slice(at), ...arrived.slice(0, at)]) {
        driver.push(record('A', tick.eventTime, tick))
        if (tick.tradeId % 7 === 0) driver.restart({ full: tick.tradeId % 2 === 0 })
      }
      for (const element of driver.push(watermark(10 * minuteMs)))
        if (element.kind === 'rows') closed.set(element.rows.value.start, element.rows.value.value)
      const got = [...closed].map(([start, candle]) => ({
        ...{ start, open: candle.first?.price, close: candle.last?.price, high: candle.high, low: candle.low },
        ...{ volume: candle.volume[0], quoteVolume: candle.quoteVolume[0], buyVolume: candle.buyVolume[0] },
        ...{ trades: candle.trades, firstTradeId: candle.first?.tradeId, lastTradeId: candle.last?.tradeId },
      }))
      const expected = oracleCandles(arrived, [60]).map(({ symbol: _s, interval: _i, vwap: _v, ...row }) => row)
      expect(got.sort((a, b) => a.start - b.start)).toMatchObject(expected)
    }),
    propertyRuns(200),
  )
})

it('a trade without a price is refused, and changes nothing', () => {
  const trade = { eventTime: 0, sequence: 1, tradeId: 1, price: Number.NaN, size: 1, side: 'buy' as const }
  expect(() => candleAggregate.add(candleAggregate.empty, trade, 0)).toThrow('a trade has a price and a size > 0')
})

it('the first and the last trade of a window are so by time, then sequence, then id; of equal ones by the log', () => {
  const trade = (eventTime: number, sequence: number, tradeId: number, price: number): CandleTrade => ({
    ...{ eventTime, sequence, tradeId, price, size: 1, side: 'sell' },
  })
  const ascending = [
    ...[trade(0, 9, 9, 1), trade(5, 1, 9, 2), trade(5, 2, 3, 3), trade(5, 2, 4, 4), trade(5, 2, 4, 5)],
    trade(6, 0, 0, 6),
  ]
  for (const [at, one] of ascending.entries())
    for (const other of ascending.slice(at + 1)) {
      const isEqual = one.tradeId === other.tradeId && one.sequence === other.sequence
      for (const [a, b] of isEqual ? [[one, other] as const] : [[one, other] as const, [other, one] as const]) {
        const { first, last } = candleAggregate.add(candleAggregate.add(candleAggregate.empty, a, 0), b, 0)
        expect([first?.price, last?.price]).toEqual([one.price, other.price])
      }
    }
})

it('a window without trades is written and read as one', () => {
  const writer = createByteWriter()
  candleAggregate.write(writer, candleAggregate.empty)
  expect(candleAggregate.read(createByteReader(writer.finish()))).toEqual(candleAggregate.empty)
})
