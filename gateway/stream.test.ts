import { afterEach, expect, it } from 'vitest'
import { connect, type TestClient } from './testing/client.ts'
import { candleOf, emissionOf } from './testing/fakes.ts'
import { startTestGateway, type TestGateway } from './testing/start.ts'

const opened: { close(): unknown }[] = []
afterEach(async () => {
  for (const one of opened.splice(0).reverse()) await one.close()
})

async function start(...given: Parameters<typeof startTestGateway>): Promise<TestGateway> {
  const started = await startTestGateway(...given)
  opened.push(started.gateway)
  return started
}

function join(url: string, options?: Parameters<typeof connect>[1]): TestClient {
  const client = connect(url, options)
  opened.push(client)
  return client
}

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
