import fc from 'fast-check'
import { expect, it } from 'vitest'
import { bearerOf, createTokenCheck, isLoopback, originAllowed, protocolsOf } from './access.ts'
import { mergeDays, nextPeriodStart, periodEnd, periodStart } from './calendar.ts'
import { candleJson } from './candle-text.ts'
import { candlesCsv } from './csv.ts'
import { conflatedTexts } from './fan-out.ts'
import { createGate } from './gate.ts'
import { filled } from './history.ts'
import { parseTime } from './query.ts'
import { candleOf, emissionOf } from './testing/fakes.ts'

it.each([
  ['127.0.0.1', true],
  ['127.8.9.1', true],
  ['localhost', true],
  ['::1', true],
  ['0.0.0.0', false],
  ['::', false],
  ['10.0.0.1', false],
  ['127.0.0.1.evil.example', false],
])('%s is loopback: %s', (host, loopback) => expect(isLoopback(host)).toBe(loopback))

it.each([
  ['Bearer abc', 'abc'],
  ['bearer abc', 'abc'],
  ['Basic abc', undefined],
  ['Bearer ', undefined],
  ['Bearer a b', undefined],
  ['Bearer a,Bearer b', undefined],
])('the token of %j is %j', (header, token) => expect(bearerOf(header)).toBe(token))

it('a token fits only as a whole', () => {
  const fits = createTokenCheck('secret')
  expect(['secret', 'secre', 'secrett', ''].map(fits)).toEqual([true, false, false, false])
})

it.each([
  { header: '', accepted: '', token: undefined },
  { header: 'candles.v1', accepted: 'candles.v1', token: undefined },
  { header: 'candles.v1, bearer.abc', accepted: 'candles.v1', token: 'abc' },
  { header: 'bearer.abc', accepted: undefined, token: 'abc' },
  { header: 'chat', accepted: undefined, token: undefined },
])('of the sub-protocols $header $accepted is spoken', ({ header, ...rest }) => {
  expect(protocolsOf(header)).toEqual(rest)
})

it('no origin is no browser', () => {
  expect(originAllowed('', 'anything', { allowed: new Set(), loopbackOnly: true })).toBe(true)
})

it.each([
  ['2025-01-01', Date.UTC(2025, 0, 1)],
  ['2025-01-01T10:00', Date.UTC(2025, 0, 1, 10)],
  ['2025-01-01T10:00:00.5Z', Date.UTC(2025, 0, 1, 10, 0, 0, 500)],
  ['2025-01-01T10:00+02:00', Date.UTC(2025, 0, 1, 8)],
  ['1735689600000', 1_735_689_600_000],
  ['2024-02-29', Date.UTC(2024, 1, 29)],
  ['2025-02-29', undefined],
  ['2025-13-01', undefined],
  ['01/02/2025', undefined],
  ['now', undefined],
  ['', undefined],
  ['-1', undefined],
  ['1e12', undefined],
])('the time %j is %j', (text, at) => expect(parseTime(text)).toBe(at))

it('periods tile the calendar: weeks from Monday, months from the first', () => {
  fc.assert(
    fc.property(fc.constantFrom('1w' as const, '1M' as const), fc.integer({ min: 0, max: 4e12 }), (interval, at) => {
      const start = periodStart(interval, at)
      const end = periodEnd(interval, start)
      expect(start).toBeLessThanOrEqual(at)
      expect(end).toBeGreaterThan(at)
      expect(periodStart(interval, end)).toBe(end)
      expect(periodStart(interval, end - 1)).toBe(start)
      expect([start, end]).toContain(nextPeriodStart(interval, at))
      expect(interval === '1w' ? new Date(start).getUTCDay() : new Date(start).getUTCDate()).toBe(1)
    }),
  )
})

it('sums of days keep both words', () => {
  const monday = Date.UTC(2025, 0, 6)
  const days = Array.from({ length: 7 }, (_, i) =>
    candleOf({
      interval: 86_400,
      start: monday + i * 86_400_000,
      volume: 0.1,
      volumeLow: -5.551115123125783e-18,
      final: true,
    }),
  )
  const [week] = mergeDays('1w', days)
  expect(week).toMatchObject({ volume: 0.7, trades: 21, final: true })
})

it('a week is final only when its days are and its last day is known', () => {
  const monday = Date.UTC(2025, 0, 6)
  const dayOf = (i: number, final = true) => candleOf({ interval: 86_400, start: monday + i * 86_400_000, final })
  const finals = (...days: Parameters<typeof mergeDays>[1][number][]) => mergeDays('1w', days).map(({ final }) => final)
  expect(finals(dayOf(0))).toEqual([false])
  expect(finals(dayOf(0), dayOf(6))).toEqual([true])
  expect(finals(dayOf(0), dayOf(6, false))).toEqual([false])
  expect(finals(dayOf(0), dayOf(8))).toEqual([true, false])
})

it('filled series are unbroken and at most as long as asked', () => {
  const starts = fc.uniqueArray(fc.integer({ min: 0, max: 200 }), { minLength: 1 })
  fc.assert(
    fc.property(
      starts,
      fc.integer({ min: 1, max: 300 }),
      fc.option(fc.integer({ min: -50, max: -1 })),
      (given, max, before) => {
        const rows = given.sort((a, b) => a - b).map((minute) => candleOf({ start: minute * 60_000, final: true }))
        const previous = before === null ? undefined : candleOf({ start: before * 60_000, final: true })
        const series = filled(rows, previous, 0, max)
        const first = previous === undefined ? (given[0] ?? 0) : 0
        const length = Math.min(max, (given.at(-1) ?? 0) - first + 1)
        expect(series.map(({ start }) => start / 60_000)).toEqual(Array.from({ length }, (_, i) => first + i))
      },
    ),
  )
})

it('a symbol that a spreadsheet would run is quoted', () => {
  const line = (symbol: string) => candlesCsv([candleJson(candleOf({ symbol, start: 0 }))]).split('\r\n')[1]
  for (const symbol of ['=1+1', '+1', '-1', '@x', '\tx']) expect(line(symbol)?.startsWith(`'${symbol}`)).toBe(true)
  expect(line('a,"b"')?.startsWith('"a,""b""",1m')).toBe(true)
})

it('conflation keeps every final, the last interim of each candle, and names what the receiver holds', () => {
  const of = (q: number, kind: 'update' | 'final' | 'correction', start: number) =>
    emissionOf(1, q, kind, candleOf({ start, seq: q }))
  const emissions = [
    of(11, 'update', 0),
    of(12, 'update', 0),
    of(13, 'final', 0),
    of(14, 'update', 60_000),
    of(15, 'correction', 0),
    of(16, 'update', 60_000),
  ]
  const frames = (seqMax: number) =>
    conflatedTexts(3, emissions, seqMax, 10).map(({ text }): unknown => JSON.parse(text))
  const [last, correction] = [
    { q: 16, x: 0 },
    { q: 15, pq: 13, x: 1, r: 1 },
  ]
  expect(frames(99)).toMatchObject([{ q: 13, pq: 10, x: 1, seq: 13 }, { ...correction, seq: 15 }, last])
  expect(frames(14), 'a receiver that may lack 15').toMatchObject([{ seq: 13 }, { ...correction, seq: 14 }, last])
})

it('a gate lets so many in at once, the others in order, and refuses what is too much', async () => {
  const gate = createGate(2, 2)
  const done: number[] = []
  const ends: (() => void)[] = []
  const task = (n: number) => () =>
    new Promise<void>((resolve) => {
      done.push(n)
      ends.push(resolve)
    })
  const all = [1, 2, 3, 4].map((n) => gate(task(n)))
  await expect(gate(task(5))).rejects.toMatchObject({ code: 'GATEWAY_BUSY' })
  expect(done).toEqual([1, 2])
  for (let i = 0; i < 4; i++) {
    ends[i]?.()
    await new Promise((resolve) => setImmediate(resolve))
  }
  await Promise.all(all)
  expect(done).toEqual([1, 2, 3, 4])
})
