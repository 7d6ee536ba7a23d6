import { request } from 'node:http'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { candleOf } from './testing/fakes.ts'
import { startTestGateway, type TestGateway } from './testing/start.ts'

const day = 86_400_000
const base = Date.UTC(2025, 0, 1)
const body = z.looseObject({
  candles: z.array(
    z.looseObject({
      ...{
        start: z.number(),
        final: z.boolean(),
        revision: z.number(),
        close: z.string(),
        fill: z.string().optional(),
      },
    }),
  ),
  next: z.number().nullable(),
})

let started: TestGateway
let staleStore: TestGateway
beforeAll(async () => {
  started = await startTestGateway({ staticRoot: import.meta.dirname })
  const { store, snapshot } = started
  for (const minute of [0, 1, 4, 5])
    store.put(candleOf({ start: base + minute * 60_000, seq: minute + 1, revision: 5 }))
  for (let i = 0; i < 40; i++) store.put(candleOf({ interval: 86_400, start: base + i * day, close: i, revision: 1 }))
  store.put(candleOf({ symbol: '-cmd', start: base, volume: 0, trades: 0, quoteVolume: 0 }))
  const open = [
    candleOf({ start: base + 5 * 60_000, revision: 5, close: 1 }),
    candleOf({ start: base + 6 * 60_000, revision: 2, close: 2 }),
  ]
  const channel = { symbol: 'BTC-USDT', interval: 60, e: 1, q: 1, seq: 0, offset: 0, partition: 0, open }
  const fresh = { ...channel, symbol: 'NEW', open: [candleOf({ symbol: 'NEW', start: base })] }
  await snapshot.snapshot.write(0, { e: 1, offset: 0 }, [channel, fresh])
  staleStore = await startTestGateway()
  staleStore.store.down = true
})
afterAll(async () => {
  await started.gateway.close()
  await staleStore.gateway.close()
})

const get = (path: string, headers: Record<string, string> = {}) => fetch(started.gateway.url + path, { headers })
const ohlcv = async (query: string) => {
  const response = await get(`/v1/ohlcv?${query}`)
  expect(response.status).toBe(200)
  return body.parse(await response.json())
}
const minutes = (candles: readonly { start: number }[]) => candles.map(({ start }) => (start - base) / 60_000)

describe('candles', () => {
  it('are one series of store and open ones: the store wins at an equal revision', async () => {
    const { candles, next } = await ohlcv(`symbol=BTC-USDT&startDate=2025-01-01`)
    expect(minutes(candles)).toEqual([0, 1, 4, 5, 6])
    expect(candles.map(({ final }) => final)).toEqual([true, true, true, true, false])
    expect(next).toBeNull()
    expect(candles[0]).toEqual({
      symbol: 'BTC-USDT',
      interval: '1m',
      start: base,
      end: base + 60_000,
      open: '100',
      high: '110',
      low: '90',
      close: '105',
      volume: '2',
      quoteVolume: '210',
      vwap: '105',
      trades: 3,
      final: true,
      revision: 5,
    })
  })

  it.each([
    { name: 'a limit cuts and names the next start', query: 'limit=2', starts: [0, 1], next: 4 },
    { name: 'a limit that just holds all has no next', query: 'limit=5', starts: [0, 1, 4, 5, 6], next: null },
    { name: 'a limit cuts before open ones', query: 'limit=4', starts: [0, 1, 4, 5], next: 6 },
    {
      name: 'previous_close fills what is empty',
      query: 'fill=previous_close',
      starts: [0, 1, 2, 3, 4, 5, 6],
      next: null,
    },
    { name: 'filled windows count', query: 'fill=previous_close&limit=3', starts: [0, 1, 2], next: 3 },
    { name: 'the end is left out', query: `endDate=${base + 4 * 60_000}`, starts: [0, 1], next: null },
  ])('$name', async ({ query, starts, next }) => {
    const page = await ohlcv(`symbol=BTC-USDT&startDate=2025-01-01T00:00Z&${query}`)
    expect(minutes(page.candles)).toEqual(starts)
    expect(page.next).toBe(next === null ? null : base + next * 60_000)
  })

  it('filled windows say what is known of them', async () => {
    const gap = { symbol: 'BTC-USDT', from: base + 150_000, to: base + 170_000 }
    started.store.coverage = [{ ...gap, kind: 'blind' }]
    const fills = async () => {
      const page = await ohlcv('symbol=BTC-USDT&startDate=2025-01-01T00:00Z&fill=previous_close&limit=4')
      return page.candles.map(({ fill }) => fill)
    }
    expect(await fills()).toEqual([undefined, undefined, 'blind', 'quiet'])
    started.store.coverage = [...started.store.coverage, { ...gap, kind: 'settled' }]
    expect(await fills()).toEqual([undefined, undefined, 'quiet', 'quiet'])
    started.store.coverage = []
  })

  it('filled from before the range: the first window already has the previous close', async () => {
    const page = await ohlcv(`symbol=BTC-USDT&startDate=${base + 150_000}&fill=previous_close&limit=2`)
    expect(minutes(page.candles)).toEqual([3, 4])
    expect(page.candles[0]).toMatchObject({ open: '105', close: '105', volume: '0', vwap: null, trades: 0 })
  })

  it('of weeks begin on Monday, those of months on the first', async () => {
    const weeks = await ohlcv('symbol=BTC-USDT&startDate=2025-01-01&interval=1w')
    expect(weeks.candles.map(({ start }) => new Date(start).toISOString().slice(0, 10))).toEqual([
      '2025-01-06',
      '2025-01-13',
      '2025-01-20',
      '2025-01-27',
      '2025-02-03',
    ])
    expect(weeks.candles.at(-1)).toMatchObject({ close: '39', final: true, interval: '1w', volume: '14' })
    const months = await ohlcv('symbol=BTC-USDT&startDate=2025-01-01&interval=1M')
    expect(months.candles.map(({ close, final }) => [close, final])).toEqual([
      ['30', true],
      ['39', false],
    ])
  })

  it('as CSV cannot run a formula', async () => {
    const response = await get('/ohlcv?symbol=-cmd&startDate=2025-01-01', { accept: 'text/csv' })
    expect(response.status).toBe(400)
    const good = await get('/ohlcv?symbol=BTC-USDT&startDate=2025-01-01&limit=1', { accept: 'text/csv' })
    expect(good.headers.get('content-type')).toBe('text/csv; charset=utf-8')
    expect(await good.text()).toBe(
      'symbol,interval,start,end,open,high,low,close,volume,quoteVolume,vwap,trades,final,revision\r\n' +
        `BTC-USDT,1m,${base},${base + 60_000},100,110,90,105,2,210,105,3,true,5\r\n`,
    )
  })

  it('that came last are given for many symbols at once', async () => {
    const response = await get('/v1/ohlcv/latest?symbols=BTC-USDT,NEW,NOPE&interval=1m')
    const { candles } = body.parse(await response.json())
    expect(candles.map((candle) => [candle['symbol'], candle.start])).toEqual([
      ['BTC-USDT', base + 6 * 60_000],
      ['NEW', base],
    ])
  })
})

const problem = z.looseObject({
  status: z.number(),
  title: z.string(),
  errors: z.array(z.object({ field: z.string(), message: z.string() })).optional(),
})

it.each([
  { query: '', fields: ['symbol', 'startDate'] },
  { query: 'symbol=A', fields: ['startDate'] },
  {
    query: 'symbol==1%2B1&startDate=x&endDate=y&interval=2m&limit=0&fill=z',
    fields: ['symbol', 'interval', 'startDate', 'endDate', 'limit', 'fill'],
  },
  { query: 'symbol=A&startDate=0&limit=1e9', fields: ['limit'] },
  { query: 'symbol=A&startDate=0&limit=10001', fields: ['limit'] },
  { query: 'symbol=A&startDate=-9e15', fields: ['startDate'] },
  { query: 'symbol=A&startDate=9007199254740993', fields: ['startDate'] },
  { query: 'symbol=A&startDate=2025-02-30', fields: ['startDate'] },
  { query: 'symbol=A&startDate=2025-01-01T25:00Z', fields: ['startDate'] },
  { query: 'symbol=A&startDate=2025-01-02&endDate=2025-01-01', fields: ['startDate'] },
  { query: 'symbol=A&symbol=B&startDate=0', fields: ['symbol'] },
  { query: `symbol=${'A'.repeat(65_000)}&startDate=0`.slice(0, 3000), fields: ['symbol', 'startDate'] },
  { query: 'symbol=__proto__&startDate=0', fields: ['symbol'] },
])('bad parameters are all named: $query', async ({ query, fields }) => {
  const response = await get(`/v1/ohlcv?${query}`)
  expect(response.status).toBe(400)
  expect(response.headers.get('content-type')).toBe('application/problem+json')
  const { errors } = problem.parse(await response.json())
  expect(errors?.map(({ field }) => field)).toEqual(fields)
})

it.each([
  { path: '/v1/ohlcv?symbol=NOPE&startDate=0', status: 404 },
  { path: '/v1/ohlcv/latest?symbols=NOPE', status: 404 },
  { path: '/v1/ohlcv/latest?symbols=A,=b', status: 400 },
  { path: '/v1/ohlcv/latest', status: 400 },
  { path: '/nothing', status: 404 },
  { path: '/v1/stream', status: 404 },
  { path: '/%2e%2e/package.json', status: 404 },
  { path: '/..%2fpackage.json', status: 404 },
  { path: '/gateway.test.js', status: 404 },
  { path: '/v1/topology?format=png', status: 400 },
])('$path answers $status as problem details', async ({ path, status }) => {
  const response = await get(path)
  expect(response.status).toBe(status)
  expect(response.headers.get('content-type')).toBe('application/problem+json')
  expect(problem.parse(await response.json()).status).toBe(status)
})

it('a raw path with dots is only a name that is not there', async () => {
  const status = await new Promise((resolve) => {
    request({ host: '127.0.0.1', port: started.gateway.port, path: '/../../package.json' }, (response) => {
      response.resume()
      resolve(response.statusCode)
    }).end()
  })
  expect(status).toBe(404)
})

it('every symbol is listed from its first tick', async () => {
  expect(await (await get('/v1/symbols')).json()).toEqual({
    symbols: [
      { symbol: '-cmd', decimals: null, status: 'active', first: base, last: base },
      { symbol: 'BTC-USDT', decimals: null, status: 'active', first: base, last: base + 39 * day },
      { symbol: 'NEW', decimals: null, status: 'active', first: null, last: null },
    ],
  })
})

it('the topology comes in three formats, metrics in one', async () => {
  expect(await (await get('/v1/topology')).json()).toEqual({ name: 'candles' })
  expect(await (await get('/v1/topology?format=mermaid')).text()).toBe('flowchart LR')
  expect(await (await get('/v1/topology?format=dot')).text()).toBe('digraph {}')
  expect(await (await get('/metrics')).text()).toContain('redwick_gateway_clients 0')
})

it('other methods than GET and HEAD are refused; HEAD has no body', async () => {
  const url = `${started.gateway.url}/v1/symbols`
  const post = await fetch(url, { method: 'POST', body: 'x' })
  expect([post.status, post.headers.get('allow')]).toEqual([405, 'GET, HEAD'])
  const head = await fetch(url, { method: 'HEAD' })
  expect([head.status, await head.text()]).toEqual([200, ''])
  expect(Number(head.headers.get('content-length'))).toBeGreaterThan(100)
})

it('files are served with their types, tags and a strict policy; TypeScript as JavaScript', async () => {
  const file = await get('/gate.js')
  expect(file.headers.get('content-type')).toBe('text/javascript; charset=utf-8')
  expect(file.headers.get('x-content-type-options')).toBe('nosniff')
  expect(file.headers.get('content-security-policy')).toContain("default-src 'self'; connect-src 'self'")
  const source = await file.text()
  expect(source).toContain("from '../schemas/errors.js'")
  expect(source).not.toContain('number')
  const again = await get('/gate.js', { 'if-none-match': file.headers.get('etag') ?? '' })
  expect([again.status, await again.text()]).toEqual([304, ''])
  expect((await get('/gate.ts')).status).toBe(404)
  expect((await get('/rest.test.js')).status).toBe(404)
})

it('while the store is down, history is 503 with a time to come back, and nothing inner is told', async () => {
  for (const path of ['/v1/ohlcv?symbol=A&startDate=0', '/v1/ohlcv/latest?symbols=A', '/v1/symbols']) {
    const response = await fetch(staleStore.gateway.url + path)
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '5'])
    expect(await response.json()).toEqual({
      type: 'about:blank',
      title: 'a dependency is down',
      status: 503,
      detail: 'STORE_UNREACHABLE',
    })
  }
})

it('while the snapshot is down, history is what the store has', async () => {
  started.snapshot.down = true
  const { candles } = await ohlcv('symbol=BTC-USDT&startDate=2025-01-01').finally(() => {
    started.snapshot.down = false
  })
  expect(minutes(candles)).toEqual([0, 1, 4, 5])
})

describe('with a token', () => {
  const authToken = 'a-token-that-is-at-least-32-characters-long'
  let guarded: TestGateway
  beforeAll(async () => {
    guarded = await startTestGateway({
      authToken,
      staticRoot: import.meta.dirname,
      health: async () => ({ store: { status: 'down', detail: 'db.internal:5432 refused' } }),
    })
  })
  afterAll(() => guarded.gateway.close())

  it.each([
    { path: '/health/live', open: 200, authed: 200 },
    { path: '/health', open: 503, authed: 503 },
    { path: '/gate.js', open: 200, authed: 200 },
    { path: '/nothing', open: 404, authed: 404 },
    { path: '/v1/nothing', open: 401, authed: 404 },
    { path: '/v1/symbols', open: 401, authed: 200 },
    { path: '/ohlcv', open: 401, authed: 400 },
    { path: '/metrics', open: 401, authed: 200 },
  ])('$path answers $open without it and $authed with it', async ({ path, open, authed }) => {
    const ask = async (authorization?: string) =>
      (await fetch(guarded.gateway.url + path, authorization === undefined ? {} : { headers: { authorization } }))
        .status
    expect(await ask()).toBe(open)
    expect(await ask('Bearer wrong')).toBe(open)
    expect(await ask(authToken)).toBe(open)
    expect(await ask(`Bearer ${authToken}`)).toBe(authed)
  })

  it('health names every dependency, and details only to its holder', async () => {
    const anyone = await (await fetch(`${guarded.gateway.url}/health`)).json()
    expect(anyone).toEqual({ status: 'down', dependencies: { store: { status: 'down' }, live: { status: 'up' } } })
    const headers = { authorization: `Bearer ${authToken}` }
    const holder = await (await fetch(`${guarded.gateway.url}/health`, { headers })).text()
    expect(holder).toContain('db.internal')
  })
})
