import { afterEach, expect, it } from 'vitest'
import { connect } from './testing/client.ts'
import { candleOf, emissionOf, realClock } from './testing/fakes.ts'
import { startTestGateway } from './testing/start.ts'

const opened: { close(): unknown }[] = []
afterEach(async () => {
  for (const one of opened.splice(0).reverse()) await one.close()
})

/** A gateway whose clock can be moved on. */
async function start() {
  let shiftMs = 0
  const clock = { ...realClock, monotonic: () => performance.now() + shiftMs }
  const started = await startTestGateway({ clock })
  opened.push(started.gateway)
  started.store.put(candleOf({ start: 0 }))
  started.log.append(0, emissionOf(1, 1, 'update', candleOf({ start: 60_000 })))
  const client = connect(started.gateway.url)
  opened.push(client)
  client.send({ op: 'subscribe', channels: [{ symbol: 'BTC-USDT', interval: '1m' }] })
  await client.next('snapshot')
  return {
    ...started,
    client,
    move(ms: number) {
      shiftMs += ms
    },
  }
}

it('a heartbeat tells the last number of every channel', async () => {
  const { client, log, move } = await start()
  log.append(0, emissionOf(1, 2, 'update', candleOf({ start: 60_000 })))
  await client.next('u')
  move(15_000)
  expect(await client.next('hb')).toMatchObject({ q: { 1: 2 } })
})

it('a connection ends after a day', async () => {
  const { client, move } = await start()
  move(24 * 3_600_000)
  expect(await client.closed()).toBe(4001)
})

it('emissions older than the ring cannot be resumed from', async () => {
  const { client, log, move, gateway } = await start()
  move(61_000)
  log.append(0, emissionOf(1, 2, 'update', candleOf({ start: 120_000 })))
  await client.next('u')
  const late = connect(gateway.url)
  opened.push(late)
  const since = { store: 'k3', e: 1, q: 0, seq: 0 }
  late.send({ op: 'subscribe', channels: [{ symbol: 'BTC-USDT', interval: '1m', since }] })
  expect(await late.next('subscribed')).toMatchObject({ results: [{ mode: 'reset' }] })
})

it('a client that stays full for 30 seconds is cut off', async () => {
  const { client, log, move, gateway } = await start()
  client.socket.pause()
  for (let i = 0; i < 120_000; i++) {
    log.append(0, emissionOf(1, i + 2, 'final', candleOf({ start: (i + 2) * 60_000, seq: i + 1 })))
    if (i % 10_000 === 0) await new Promise((resolve) => setTimeout(resolve, 5))
  }
  const metric = async (name: string) =>
    new RegExp(`^redwick_gateway_${name} (\\d+)`, 'm').exec(await (await fetch(`${gateway.url}/metrics`)).text())?.[1]
  await expect.poll(() => metric('clients_lagging')).toBe('1')
  move(31_000)
  await expect.poll(() => metric('clients'), { timeout: 20_000 }).toBe('0')
  expect(await metric('clients_lagging')).toBe('0')
  client.socket.resume()
  expect([4002, 1006]).toContain(await client.closed())
}, 60_000)
