import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { storedIntervals } from '../schemas/intervals.ts'
import { symbolPattern as serverPattern } from '../schemas/tick.ts'
import { type Closed, nextAfterClose, waitMaxMs } from './app/back-off.ts'
import {
  changeText,
  compactAmount,
  countdown,
  fractionDigits,
  groupedDecimal,
  percentText,
  utcMinute,
} from './app/format.ts'
import { decodeMessage } from './app/protocol.ts'
import { hashOfView, intervals, symbolPattern, viewOfHash } from './app/route.ts'

describe('format', () => {
  it.each([
    { text: '60001.3', digits: 2, shown: '60,001.30' },
    { text: '1234567', digits: 0, shown: '1,234,567' },
    { text: '0.00000821', digits: 8, shown: '0.00000821' },
    { text: '-1000.5', digits: 0, shown: '−1,000.5' },
    { text: '1.123456789012345678', digits: 2, shown: '1.123456789012345678' },
  ])('$text is shown as $shown', ({ text, digits, shown }) => expect(groupedDecimal(text, digits)).toBe(shown))

  it.each([
    { of: fractionDigits('60001.30'), is: 2 },
    { of: fractionDigits('60001'), is: 0 },
    { of: changeText(100, 101.5, 2), is: '+1.50 (+1.50%)' },
    { of: changeText(100, 99, 1), is: '−1.0 (−1.00%)' },
    { of: percentText(0, 5), is: '' },
    { of: percentText(Number.NaN, 5), is: '' },
    { of: compactAmount('1234.5'), is: '1.23K' },
    { of: compactAmount('0.00012345'), is: '0.000123' },
    { of: utcMinute(1_763_721_600_000), is: '2025-11-21 10:40' },
    { of: countdown(34_100), is: '0:35' },
    { of: countdown(-5), is: '0:00' },
    { of: countdown(3_661_000), is: '1:01:01' },
  ])('shows $is', ({ of, is }) => expect(of).toBe(is))
})

describe('the address', () => {
  it.each([
    { hash: '#BTC-USDT/5m', view: { symbol: 'BTC-USDT', interval: '5m' } },
    { hash: '#BTC-USDT', view: { symbol: 'BTC-USDT', interval: '1m' } },
    { hash: '#BTC/USD/15m', view: { symbol: 'BTC/USD', interval: '15m' } },
    { hash: '#BTC/USD', view: { symbol: 'BTC/USD', interval: '1m' } },
    { hash: '#kBONK-USD/1d', view: { symbol: 'kBONK-USD', interval: '1d' } },
    { hash: '#KRAKEN%3ABTC-USD/1h', view: { symbol: 'KRAKEN:BTC-USD', interval: '1h' } },
    { hash: '#BTC-USDT/7m', view: { symbol: 'BTC-USDT', interval: '1m' } },
    { hash: '', view: undefined },
    { hash: '#<b>', view: undefined },
    { hash: '#%', view: undefined },
  ])('$hash names $view', ({ hash, view }) => expect(viewOfHash(hash)).toEqual(view))

  it('goes there and back', () => {
    const view = { symbol: 'BTC/USD:x', interval: '4h' }
    expect(viewOfHash(hashOfView(view))).toEqual(view)
  })

  it('takes the symbols that the server takes', () => expect(symbolPattern).toEqual(serverPattern))

  it('offers exactly the stored intervals', () => {
    expect([...intervals]).toEqual(Object.entries(storedIntervals).map(([name, seconds]) => [name, seconds * 1000]))
  })
})

describe('back-off', () => {
  const closed = (over: Partial<Closed>): Closed => ({
    code: 1006,
    failures: 0,
    goawayMs: undefined,
    random: 0.5,
    ...over,
  })

  it.each([
    { name: 'a refused token asks for another', over: { code: 4501 }, next: { kind: 'sign-in' } },
    { name: 'an expired token asks for another', over: { code: 4004 }, next: { kind: 'sign-in' } },
    { name: 'a protocol error stops', over: { code: 4502 }, next: { kind: 'stop' } },
    { name: 'a full server stops', over: { code: 4504 }, next: { kind: 'stop' } },
    {
      name: 'a goaway names the range',
      over: { code: 1001, goawayMs: [500, 5000] as const },
      next: { kind: 'retry', waitMs: 2750 },
    },
    { name: 'a resync comes back soon', over: { code: 4005 }, next: { kind: 'retry', waitMs: 550 } },
    { name: 'a rate limit waits long', over: { code: 4029 }, next: { kind: 'retry', waitMs: 10_000 } },
  ])('$name', ({ over, next }) => expect(nextAfterClose(closed(over))).toEqual(next))

  it('waits longer after each failure, never longer than the maximum', () => {
    const code = fc.constantFrom(1001, 1006, 4001, 4002, 4003, 4005, 4029)
    fc.assert(
      fc.property(code, fc.nat(50), fc.double({ min: 0, max: 0.999, noNaN: true }), (of, failures, random) => {
        const next = nextAfterClose(closed({ code: of, failures, random }))
        const later = nextAfterClose(closed({ code: of, failures: failures + 1, random }))
        const wait = next.kind === 'retry' ? next.waitMs : -1
        expect(wait).toBeGreaterThanOrEqual(100)
        expect(wait).toBeLessThanOrEqual(waitMaxMs)
        if (failures > 0) expect(later.kind === 'retry' ? later.waitMs : -1).toBeGreaterThanOrEqual(wait)
      }),
    )
  })
})

describe('messages', () => {
  it('reads an update with its flags', () => {
    const text =
      '{"type":"u","ch":7,"q":9,"pq":4,"k":[60000,"1","2","0.5","1.5","3",4],"x":1,"r":1,"seq":12,"later":true}'
    const bar = { start: 60_000, open: '1', high: '2', low: '0.5', close: '1.5', volume: '3', trades: 4 }
    const update = { ch: 7, e: undefined, q: 9, pq: 4, seq: 12, bar: { ...bar, final: true, corrected: true } }
    expect(decodeMessage(text)).toEqual({ type: 'updates', updates: [update] })
  })

  it('reads a window frame', () => {
    const text = '{"type":"b","u":[[7,99,60000,"1","2","0.5","1.5","3",4,0],[8,5,60000,"1","1","1","1","0",0,1,3]]}'
    const message = decodeMessage(text)
    expect(message.type === 'updates' && message.updates.map(({ ch, q, pq, bar }) => [ch, q, pq, bar.final])).toEqual([
      [7, 99, undefined, false],
      [8, 5, 3, true],
    ])
  })

  it('takes rows of a snapshot as final and the open list as not', () => {
    const text =
      '{"type":"snapshot","ch":7,"e":1,"q":2,"seq":3,"reason":"initial","rows":[[0,"1","1","1","1","1",1]],"open":[[60000,"1","1","1","1","1",1]]}'
    const message = decodeMessage(text)
    expect(message.type === 'snapshot' && message.snapshot.bars.map((bar) => bar.final)).toEqual([true, false])
  })

  it('never throws, whatever comes', () => {
    fc.assert(fc.property(fc.string(), (text) => decodeMessage(text).type === 'other'))
    const type = fc.constantFrom('hello', 'auth', 'subscribed', 'snapshot', 'u', 'b', 'hb', 'error', 'goaway')
    const fields = fc.dictionary(
      fc.constantFrom('ch', 'q', 'k', 'u', 'rows', 'open', 'results', 'reconnectInMs'),
      fc.jsonValue(),
    )
    fc.assert(
      fc.property(
        type,
        fields,
        (of, more) => typeof decodeMessage(JSON.stringify({ ...more, type: of })).type === 'string',
      ),
    )
  })
})
