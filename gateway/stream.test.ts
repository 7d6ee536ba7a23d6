import { expect, it } from 'vitest'
import { candleOf, emissionOf } from './testing/fakes.ts'
import { openedGateways } from './testing/opened.ts'
import type { TestGateway } from './testing/start.ts'

const { start, join } = openedGateways()

const btc = { symbol: 'BTC-USDT', interval: '1m' }

it('a subscriber gets the store rows, the open window, then every update', async () => {
  const { gateway, log, store } = await start()
  store.put(candleOf({ start: 0, seq: 1 }))
  log.append(0, { epoch: 12 })
  log.append(0, emissionOf(12, 1, 'update', candleOf({ start: 60_000, revision: 1 })))
  const client = join(gateway.url)
  const hello = await client.next('hello')
  expect(hello).toMatchObject({ v: 1, heartbeat: 15, auth: 'ok', limits: { channels: 200, snapshot: 1000 } })
  client.send({ op: 'subscribe', id: 2, channels: [{ ...btc, snapshot: 10 }] })
  const subscribed = await client.next('subscribed')
  expect(subscribed).toMatchObject({ id: 2, results: [{ ok: true, ch: 1, ...btc, e: 12, q: 1, mode: 'snapshot' }] })
  expect(await client.next('snapshot')).toEqual({
    type: 'snapshot',
    ch: 1,
    e: 12,
    q: 1,
    reason: 'initial',
    cols: ['t', 'o', 'h', 'l', 'c', 'v', 'n'],
    rows: [[0, '100', '110', '90', '105', '2', 3]],
    open: [[60_000, '100', '110', '90', '105', '2', 3]],
    seq: 1,
  })
  log.append(0, emissionOf(12, 2, 'update', candleOf({ start: 60_000, revision: 2, close: 0.000_000_1 })))
  expect(await client.next('u')).toEqual({
    type: 'u',
    ch: 1,
    q: 2,
    k: [60_000, '100', '110', '90', '0.0000001', '2', 3],
    x: 0,
  })
  log.append(0, emissionOf(12, 3, 'final', candleOf({ start: 60_000, revision: 3, seq: 2 })))
  expect(await client.next('u')).toMatchObject({ q: 3, x: 1, seq: 2 })
  log.append(0, emissionOf(12, 4, 'correction', candleOf({ start: 0, revision: 9, seq: 3 })))
  expect(await client.next('u')).toMatchObject({ q: 4, x: 1, r: 1, seq: 3 })
})

/** One minute's interim update of the engine's epoch 12. */
function update(q: number, given: Partial<Parameters<typeof candleOf>[0]> = {}) {
  return emissionOf(12, q, 'update', candleOf({ start: 60_000, revision: q, ...given }))
}

/** A log that has said what there is, so that nobody waits for a snapshot. */
async function live(started: TestGateway, upTo = 1): Promise<void> {
  started.store.put(candleOf({ start: 0, seq: 1 }))
  let offset = started.log.append(0, { epoch: 12 })
  for (let q = 1; q <= upTo; q++) offset = started.log.append(0, update(q))
  const open = [candleOf({ start: 60_000, revision: upTo })]
  const channel = { symbol: 'BTC-USDT', interval: 60, e: 12, q: upTo, seq: 1, offset, partition: 0, open }
  await started.snapshot.snapshot.write(0, { e: 12, offset }, [channel])
}

/** A client that follows the channel of a log that is live. */
async function followed() {
  const started = await start()
  await live(started)
  const client = join(started.gateway.url)
  client.send({ op: 'subscribe', channels: [btc] })
  await client.next('snapshot')
  return { started, client }
}

it('a client resumes from its position with what it missed, conflated', async () => {
  const started = await start()
  await live(started, 6)
  const client = join(started.gateway.url)
  client.send({ op: 'subscribe', id: 1, channels: [{ ...btc, since: { store: 'k3', e: 12, q: 2, seq: 1 } }] })
  expect(await client.next('subscribed')).toMatchObject({ results: [{ mode: 'resumed', e: 12, q: 6, replay: 1 }] })
  expect(await client.next('u')).toMatchObject({ q: 6, pq: 2 })
})

it.each([
  { name: 'another store', since: { store: 'other', e: 12, q: 2, seq: 1 }, reason: 'reset', rows: 1 },
  { name: 'an earlier epoch', since: { store: 'k3', e: 11, q: 2, seq: 1 }, reason: 'epoch', rows: 0 },
  { name: 'a position ahead of the log', since: { store: 'k3', e: 12, q: 99, seq: 0 }, reason: 'epoch', rows: 1 },
])('a position of $name is not resumed: a snapshot follows', async ({ since, reason, rows }) => {
  const started = await start()
  await live(started)
  const client = join(started.gateway.url)
  client.send({ op: 'subscribe', channels: [{ ...btc, since }] })
  expect(await client.next('subscribed')).toMatchObject({ results: [{ mode: 'reset', e: 12, q: 1 }] })
  const snapshot = await client.next('snapshot')
  expect(snapshot).toMatchObject({ reason, e: 12, q: 1, open: [expect.anything()] })
  expect(snapshot['rows']).toHaveLength(rows)
})

it('a new epoch gives every subscriber one snapshot, then updates from 1', async () => {
  const started = await start()
  await live(started)
  const clients = [join(started.gateway.url), join(started.gateway.url)]
  for (const client of clients) {
    client.send({ op: 'subscribe', channels: [btc] })
    await client.next('snapshot')
  }
  started.store.put(candleOf({ start: 60_000, seq: 2, revision: 7 }))
  const offset = started.log.append(0, { epoch: 13 })
  await started.snapshot.snapshot.write(0, { e: 13, offset }, [
    { symbol: 'BTC-USDT', interval: 60, e: 13, q: 0, seq: 2, offset, partition: 0, open: [] },
  ])
  for (const client of clients) {
    const snapshot = await client.next('snapshot')
    expect(snapshot).toMatchObject({
      reason: 'epoch',
      e: 13,
      q: 0,
      seq: 2,
      rows: [[60_000, '100', '110', '90', '105', '2', 3]],
    })
  }
  started.log.append(0, emissionOf(12, 2, 'update', candleOf({ start: 60_000, close: 1 })))
  started.log.append(0, emissionOf(13, 1, 'update', candleOf({ start: 120_000 })))
  for (const client of clients)
    expect(await client.next('u')).toMatchObject({ q: 1, k: [120_000, '100', '110', '90', '105', '2', 3] })
})

it('a window packs the last interim update of each candle, and keeps finals in their places', async () => {
  const started = await start()
  await live(started)
  const client = join(started.gateway.url)
  client.send({ op: 'subscribe', window: 250, channels: [btc] })
  await client.next('snapshot')
  for (let q = 2; q <= 4; q++) started.log.append(0, update(q))
  started.log.append(0, emissionOf(12, 5, 'update', candleOf({ start: 120_000 })))
  expect(await client.next('b')).toEqual({
    type: 'b',
    u: [
      [1, 4, 60_000, '100', '110', '90', '105', '2', 3, 0, 1],
      [1, 5, 120_000, '100', '110', '90', '105', '2', 3, 0],
    ],
  })
  started.log.append(0, emissionOf(12, 6, 'final', candleOf({ start: 60_000, revision: 9, seq: 2 })))
  expect(await client.next('u')).toMatchObject({ q: 6, x: 1, seq: 2 })
  client.send({ op: 'unsubscribe', channels: [btc] })
  await client.next('unsubscribed')
  started.log.append(0, emissionOf(12, 7, 'update', candleOf({ start: 120_000 })))
  await new Promise((resolve) => setTimeout(resolve, 400))
  expect(client.frames.filter(({ type }) => type === 'b')).toHaveLength(1)
})

it('lost records give subscribers a snapshot', async () => {
  const { started, client } = await followed()
  const offset = started.log.append(0, update(5))
  const open = [candleOf({ start: 60_000, revision: 5 })]
  const channel = { symbol: 'BTC-USDT', interval: 60, e: 12, q: 5, seq: 1, offset, partition: 0, open }
  await started.snapshot.snapshot.write(0, { e: 12, offset }, [channel])
  expect(await client.next('snapshot')).toMatchObject({ q: 5, reason: 'lagging' })
  started.log.append(0, update(6))
  expect(await client.next('u')).toMatchObject({ q: 6 })
})

it('a reader that was cut off goes on where it stopped', async () => {
  const { started, client } = await followed()
  started.log.cut()
  started.log.append(0, update(2))
  expect(await client.next('u')).toMatchObject({ q: 2 })
})

it('without the snapshot store a subscriber is live-only, and told so', async () => {
  const started = await start()
  await live(started)
  started.snapshot.down = true
  const client = join(started.gateway.url)
  client.send({ op: 'subscribe', id: 4, channels: [btc] })
  expect(await client.next('subscribed')).toMatchObject({ results: [{ ok: true, mode: 'live-only' }] })
  expect(await client.next('error')).toMatchObject({ id: 4, code: 1400, retry: true })
  expect(await client.next('snapshot')).toMatchObject({ rows: [expect.anything()], q: 1 })
})

it('when the snapshot store is back, a live-only subscriber is sent the whole snapshot', async () => {
  const started = await start()
  await live(started)
  started.snapshot.down = true
  const client = join(started.gateway.url)
  client.send({ op: 'subscribe', id: 4, channels: [btc] })
  await client.next('snapshot')
  started.snapshot.down = false
  expect(await client.next('snapshot')).toMatchObject({ reason: 'reset', rows: [expect.anything()], q: 1 })
})

it('a new owner while the store is down: what followers lack of the table comes when it is back', async () => {
  const { started, client } = await followed()
  started.store.down = true
  // A final that nobody was told of: it was committed, and the new owner's epoch begins behind it.
  started.store.put(candleOf({ start: 120_000, final: true, seq: 9 }))
  started.log.append(0, { epoch: 13 })
  expect(await client.next('snapshot')).toMatchObject({ e: 13, reason: 'epoch' })
  started.store.down = false
  const whole = await client.next('snapshot')
  expect(whole).toMatchObject({ e: 13, reason: 'reset' })
  expect(JSON.stringify(whole['rows'])).toContain('[120000,')
})

it('a part of a snapshot promises no more than the client holds: the next connection gets the rest', async () => {
  const { started, client } = await followed()
  started.store.down = true
  started.store.put(candleOf({ start: 120_000, final: true, seq: 9 }))
  const offset = started.log.append(0, { epoch: 13 })
  const channel = { symbol: 'BTC-USDT', interval: 60, e: 13, q: 0, seq: 9, offset, partition: 0, open: [] }
  await started.snapshot.snapshot.write(0, { e: 13, offset }, [channel])
  expect(await client.next('snapshot')).toMatchObject({ e: 13, q: 0, reason: 'epoch', seq: 1 })
  started.log.append(0, emissionOf(13, 1, 'final', candleOf({ start: 180_000, seq: 10 })))
  expect(await client.next('u')).toMatchObject({ q: 1, x: 1, seq: 1 })
  client.close()
  const since = { store: 'k3', e: 13, q: 1, seq: 1 }
  const during = join(started.gateway.url)
  during.send({ op: 'subscribe', channels: [{ ...btc, since }] })
  expect(await during.next('subscribed')).toMatchObject({ results: [{ mode: 'live-only', seq: 1 }] })
  started.store.down = false
  const after = join(started.gateway.url)
  after.send({ op: 'subscribe', channels: [{ ...btc, since }] })
  expect(await after.next('subscribed')).toMatchObject({ results: [{ mode: 'reset', e: 13, q: 1, seq: 10 }] })
  for (const { frames } of [during, after])
    await expect.poll(() => JSON.stringify(frames.at(-1)?.['rows']), { timeout: 20_000 }).toContain('[120000,')
})

it('subscribing twice, leaving, listing and pings answer with the id', async () => {
  const started = await start()
  await live(started)
  const client = join(started.gateway.url)
  client.send({ op: 'subscribe', id: 1, channels: [btc] })
  await client.next('snapshot')
  client.send({ op: 'subscribe', id: 2, channels: [btc] })
  await client.next('subscribed')
  expect(await client.next('subscribed')).toMatchObject({
    id: 2,
    results: [{ ok: true, ch: 1, mode: 'resumed', replay: 0 }],
  })
  client.send({ op: 'list', id: 'three' })
  expect(await client.next('list')).toMatchObject({ id: 'three', channels: [{ ch: 1, ...btc }] })
  client.send({ op: 'unsubscribe', id: 4, channels: [btc, { symbol: 'ETH-USDT', interval: '1m' }] })
  expect(await client.next('unsubscribed')).toMatchObject({
    id: 4,
    results: [
      { ok: true, ch: 1 },
      { ok: false, code: 1203 },
    ],
  })
  started.log.append(0, update(2))
  client.send({ op: 'ping', id: 5 })
  expect(await client.next('pong')).toMatchObject({ id: 5 })
  expect(client.frames.filter(({ type }) => type === 'u' || type === 'snapshot')).toHaveLength(1)
})

it('a client that stops reading gets one snapshot when it reads again, and loses no final candle', async () => {
  const { started, client } = await followed()
  client.socket.pause()
  const total = 120_000
  let offset = 0
  const candles = Array.from({ length: total }, (_, i) =>
    candleOf({ start: (i + 1) * 60_000, revision: 100, seq: i + 2 }),
  )
  for (const [i, candle] of candles.entries()) {
    offset = started.log.append(0, emissionOf(12, i + 2, 'final', candle))
    if (i % 10_000 === 0) await new Promise((resolve) => setTimeout(resolve, 5))
  }
  started.store.put(...candles.slice(-2000))
  const channel = {
    symbol: 'BTC-USDT',
    interval: 60,
    e: 12,
    q: total + 1,
    seq: total + 1,
    offset,
    partition: 0,
    open: [],
  }
  await started.snapshot.snapshot.write(0, { e: 12, offset }, [channel])
  client.socket.resume()
  const snapshot = await client.next('snapshot')
  expect(snapshot).toMatchObject({ q: total + 1, seq: total + 1, reason: 'reset' })
  expect(snapshot['rows']).toHaveLength(1000)
  started.log.append(0, emissionOf(12, total + 2, 'update', candleOf({ start: (total + 1) * 60_000 })))
  expect((await client.next('u'))['type']).toBe('u')
  await expect.poll(() => client.frames.at(-1)).toMatchObject({ type: 'u', q: total + 2 })
}, 60_000)

it('snapshots that do not fit into the socket at once come whole when it takes them', async () => {
  const { gateway, log, store, snapshot } = await start()
  const symbols = Array.from({ length: 200 }, (_, i) => `S${i}-USDT`)
  const rows = Array.from({ length: 1000 }, (_, i) => candleOf({ start: i * 60_000, final: true, seq: i + 1 }))
  for (const symbol of symbols) store.put(...rows.map((row) => ({ ...row, symbol })))
  const offset = log.append(0, { epoch: 12 })
  const channel = { interval: 60, e: 12, q: 0, seq: 1000, offset, partition: 0, open: [] }
  await snapshot.snapshot.write(
    0,
    { e: 12, offset },
    symbols.map((symbol) => ({ ...channel, symbol })),
  )
  const client = join(gateway.url)
  client.send({ op: 'subscribe', channels: symbols.map((symbol) => ({ symbol, interval: '1m', snapshot: 1000 })) })
  await client.next('subscribed')
  const held = () =>
    client.frames.flatMap(({ type, rows: sent }) => (type === 'snapshot' ? [Array.from(sent as [])] : []))
  await expect.poll(() => held().length, { timeout: 30_000 }).toBe(200)
  expect(held().map((sent) => sent.length)).toEqual(symbols.map(() => 1000))
}, 60_000)
