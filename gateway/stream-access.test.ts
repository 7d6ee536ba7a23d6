import { expect, it } from 'vitest'
import { candleOf, emissionOf } from './testing/fakes.ts'
import { openedGateways } from './testing/opened.ts'
import { startTestGateway, type TestGateway } from './testing/start.ts'

const { start, join } = openedGateways()

const btc = { symbol: 'BTC-USDT', interval: '1m' }
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
it.each([
  { name: 'no JSON', message: '{', code: 1000 },
  { name: 'no object', message: '[]', code: 1001 },
  { name: 'an unknown op', message: { op: 'fly', id: 9 }, code: 1002, id: 9 },
  { name: 'a missing field', message: { op: 'subscribe', id: 9 }, code: 1001, id: 9 },
  { name: 'an odd window', message: { op: 'subscribe', id: 9, window: 333, channels: [btc] }, code: 1001, id: 9 },
  {
    name: 'a symbol that is none',
    message: { op: 'subscribe', id: 9, channels: [{ ...btc, symbol: '=1+1' }] },
    code: 1001,
    id: 9,
  },
  { name: 'prototype keys', message: '{"op":"subscribe","__proto__":{"op":"ping"},"channels":[]}', code: 1001 },
])('a message with $name is refused with $code', async ({ message, code, id }) => {
  const { gateway } = await start()
  const client = join(gateway.url)
  client.send(message)
  const error = await client.next('error')
  expect(error).toMatchObject({ code, retry: false })
  expect(error['id']).toBe(id)
})

it('channels that are not there are refused one by one', async () => {
  const started = await start()
  await live(started)
  const client = join(started.gateway.url)
  client.send({ op: 'subscribe', channels: [btc, { symbol: 'NOPE', interval: '1m' }, { ...btc, interval: '2m' }] })
  expect(await client.next('subscribed')).toMatchObject({
    results: [{ ok: true }, { ok: false, code: 1200 }, { ok: false, code: 1201 }],
  })
})

it('the channel over the limit is refused with all of its message', async () => {
  const started = await start()
  const symbols = Array.from({ length: 201 }, (_, i) => `S${i}`)
  started.store.put(...symbols.map((symbol) => candleOf({ symbol, start: 0 })))
  const client = join(started.gateway.url)
  const channels = symbols.map((symbol) => ({ symbol, interval: '1m', snapshot: 0 }))
  client.send({ op: 'subscribe', id: 1, channels: channels.slice(0, 200) })
  await client.next('subscribed')
  client.send({ op: 'subscribe', id: 2, channels: channels.slice(200) })
  expect(await client.next('error')).toMatchObject({ id: 2, code: 1204, name: 'CHANNEL_LIMIT' })
})

it('messages over the rate are refused, and a flood is closed with 4029', async () => {
  const { gateway } = await start()
  const client = join(gateway.url)
  await client.next('hello')
  for (let i = 0; i < 51; i++) client.send({ op: 'ping', id: i })
  expect(await client.next('error')).toMatchObject({ code: 1300, retry: true })
  for (let i = 0; i < 200; i++) client.send({ op: 'ping', id: i })
  expect(await client.closed()).toBe(4029)
})

it('a message that is too large closes with 4505', async () => {
  const { gateway } = await start()
  const client = join(gateway.url)
  client.send({ op: 'ping', id: 'x', pad: 'x'.repeat(17_000) })
  expect(await client.closed()).toBe(4505)
})

const token = 'a-token-that-is-at-least-32-characters-long'

it('a token lets in by header, sub-protocol or message', async () => {
  const { gateway } = await start({ authToken: token })
  const byHeader = join(gateway.url, { headers: { authorization: `Bearer ${token}` } })
  expect(await byHeader.next('hello')).toMatchObject({ auth: 'ok' })
  const byProtocol = join(gateway.url, { protocols: ['candles.v1', `bearer.${token}`] })
  expect(await byProtocol.next('hello')).toMatchObject({ auth: 'ok' })
  expect(byProtocol.socket.protocol).toBe('candles.v1')
  const byMessage = join(gateway.url, { protocols: ['candles.v1'] })
  expect(await byMessage.next('hello')).toMatchObject({ auth: 'required' })
  byMessage.send({ op: 'list', id: 1 })
  expect(await byMessage.next('error')).toMatchObject({ id: 1, code: 1100 })
  byMessage.send({ op: 'auth', id: 2, token })
  expect(await byMessage.next('auth')).toMatchObject({ id: 2, ok: true })
  byMessage.send({ op: 'list', id: 3 })
  expect(await byMessage.next('list')).toMatchObject({ id: 3 })
})

it('a wrong token is shown the door', async () => {
  const { gateway } = await start({ authToken: token })
  const byProtocol = join(gateway.url, { protocols: ['candles.v1', 'bearer.wrong'] })
  expect(await byProtocol.closed()).toBe(4501)
  const byMessage = join(gateway.url)
  byMessage.send({ op: 'auth', token: 'wrong' })
  expect(await byMessage.next('error')).toMatchObject({ code: 1101 })
  expect(await byMessage.closed()).toBe(4501)
  const byHeader = join(gateway.url, { headers: { authorization: 'Bearer wrong' } })
  expect(await byHeader.closed()).toBe(1006)
  expect(byHeader.frames).toEqual([])
})

it('who sends no token within five seconds is closed with 4503', async () => {
  const { gateway } = await start({ authToken: token })
  expect(await join(gateway.url).closed()).toBe(4503)
}, 10_000)

it.each([
  { name: 'its own origin', origin: (url: string) => url, welcome: true },
  { name: 'an allowed origin', origin: () => 'https://charts.example', welcome: true },
  { name: 'another site', origin: () => 'https://evil.example', welcome: false },
  { name: 'a null origin', origin: () => 'null', welcome: false },
  { name: 'a longer host', origin: (url: string) => `${url}.evil.example`, welcome: false },
  { name: 'another port', origin: () => 'http://127.0.0.1:1', welcome: false },
  { name: 'upper case', origin: (url: string) => url.toUpperCase(), welcome: false },
])('a page of $name: welcome $welcome', async ({ origin, welcome }) => {
  const { gateway } = await start({ allowedOrigins: ['https://charts.example'] })
  const client = join(gateway.url, { headers: { origin: origin(gateway.url) } })
  if (welcome) await client.next('hello')
  else expect(await client.closed()).toBe(1006)
  expect(client.frames).toHaveLength(welcome ? 1 : 0)
})

it('a page of a name that only resolves to this machine is refused', async () => {
  const { gateway } = await start()
  const headers = { origin: `http://evil.example:${gateway.port}`, host: `evil.example:${gateway.port}` }
  expect(await join(gateway.url, { headers }).closed()).toBe(1006)
})

it('a shutdown says goaway and closes with 1001', async () => {
  const { gateway } = await startTestGateway()
  const client = join(gateway.url)
  await client.next('hello')
  await gateway.close()
  expect(await client.next('goaway')).toMatchObject({ reason: 'shutdown', reconnectInMs: [500, 5000] })
  expect(await client.closed()).toBe(1001)
})

it('a second gateway on the port fails with what to do', async () => {
  const { gateway } = await start()
  await expect(startTestGateway({ port: gateway.port })).rejects.toMatchObject({ code: 'PORT_IN_USE', exitCode: 69 })
})

it('an address that others reach is refused without a token', async () => {
  await expect(startTestGateway({ host: '0.0.0.0' })).rejects.toMatchObject({ code: 'AUTH_REQUIRED', exitCode: 78 })
  await expect(startTestGateway({ authToken: 'short' })).rejects.toMatchObject({ code: 'AUTH_TOKEN_WEAK' })
})
