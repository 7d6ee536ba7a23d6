import { expect, it } from 'vitest'
import type { Tick } from '../../schemas/tick.ts'
import { createCaptureFrames, isCapture } from './capture-frames.ts'

function read(line: string, ids: 'auto' | 'unordered' = 'auto') {
  const ticks: Tick[] = []
  const refused: string[] = []
  let ignored = 0
  createCaptureFrames({ line: 'replay', ids })(line, 9, {
    tick: (tick) => void ticks.push(tick),
    refuse: (reason, detail) => void refused.push(`${reason} ${detail}`),
    ignore: () => void ignored++,
  })
  return { ticks, refused, ignored }
}

const binance = (fields: object) => `1700000000123456789 ${JSON.stringify({ stream: 'x@trade', data: fields })}`
const coinbase = (fields: object) => `1700000000.5: ${JSON.stringify(fields)}`
const trade = { e: 'trade', s: 'BTCUSDT', t: 5, p: '2.50', q: '3', T: 1_700_000_000_001, m: true }
const aggTrade = { ...trade, e: 'aggTrade', a: 6, m: false }
const at = '2023-11-14T22:13:20.244975Z'
const match = {
  type: 'match',
  trade_id: 8,
  side: 'sell',
  size: '0.04',
  price: '14.7775',
  product_id: 'A-USD',
  time: at,
}

it.each([
  {
    name: "Binance's trade: the buyer made it, so the seller took it",
    line: binance(trade),
    want: {
      symbol: 'BTCUSDT',
      tradeId: 5,
      sequence: 5,
      price: 2.5,
      size: 3,
      side: 'sell',
      eventTime: 1_700_000_000_001,
    },
  },
  {
    name: "Binance's aggTrade",
    line: binance(aggTrade),
    want: { tradeId: 6, side: 'buy', ingestTime: 1_700_000_000_123 },
  },
  {
    name: "Coinbase's match: the side is the maker's, the tick's is the other",
    line: coinbase(match),
    want: { symbol: 'A-USD', tradeId: 8, side: 'buy', eventTime: 1_700_000_000_244, ingestTime: 1_700_000_000_500 },
  },
  {
    name: "Coinbase's last match",
    line: coinbase({ ...match, type: 'last_match', side: 'buy' }),
    want: { side: 'sell' },
  },
  {
    name: "Kraken's trade has no id: its fields name it",
    line: '1700000000.5: [993,[["354.11","0.5","1700000000.557535","s","l",""]],"trade","XMR/USD"]',
    want: { symbol: 'XMR/USD', side: 'sell', eventTime: 1_700_000_000_557, idOrder: 'unordered', sequence: 9 },
  },
])('$name', ({ line, want }) => {
  const { ticks, refused } = read(line)
  expect(refused).toEqual([])
  expect(ticks.length).toBe(1)
  expect(ticks[0]).toMatchObject(want)
})

it.each([binance(trade), coinbase(match)])('ids may be taken as names only', (line) => {
  expect(read(line, 'unordered').ticks[0]).toMatchObject({ idOrder: 'unordered', sequence: 9 })
})

it('equal rows of one Kraken frame are two trades, and the same two when read again', () => {
  const row = '["1","2","1700000000.1","b","m",""]'
  const line = `1700000001: [1,[${row},${row}],"trade","A/B"]`
  const ids = read(line).ticks.map((tick) => tick.tradeId)
  expect(new Set(ids).size).toBe(2)
  expect(read(line).ticks.map((tick) => tick.tradeId)).toEqual(ids)
})

it.each([
  binance({ e: 'depthUpdate', b: [] }),
  coinbase({ type: 'l2update' }),
  '1700000000.5: {"event":"heartbeat"}',
  '1700000000.5: [1,[],"ohlc-1","A/B"]',
  'wss://ws.kraken.com <- 1618678132.83: {"event":"subscribe"}',
])('%s holds no trade', (line) => {
  expect(read(line)).toEqual({ ticks: [], refused: [], ignored: 1 })
})

it.each([
  ['1700000000.5: {"type":"mat', 'MALFORMED A captured frame is JSON'],
  ['hello', 'MALFORMED A captured line begins with its time of receipt'],
  [binance({ ...trade, p: 'x' }), 'MALFORMED A trade frame has numbers in T, p, q and its id'],
  [coinbase({ ...match, time: 'x' }), 'MALFORMED A match frame has time, price, size and trade_id'],
  ['1700000000.5: [1,[["1","x","2","b"]],"trade","A/B"]', 'MALFORMED A trade row has price, volume and time'],
])('%s is refused', (line, refusal) => {
  expect(read(line).refused).toEqual([refusal])
})

it.each([
  ['wss://x <-> 1.5', true],
  [binance(trade), true],
  [coinbase(match), true],
  ['symbol,ts_ms,price', false],
  ['A,1700000000000,1,1,buy,1', false],
])('whether %s begins a capture: %s', (line, is) => {
  expect(isCapture(line)).toBe(is)
})
