import { expect, it } from 'vitest'
import type { GatewayOptions } from '../gateway/gateway.ts'
import { candleOf, emissionOf } from '../gateway/testing/fakes.ts'
import { startTestGateway, type TestGateway } from '../gateway/testing/start.ts'
import { describeService } from '../test/services/services.ts'
import { dashboardFiles } from './dashboard-files.ts'
import { dashboardSuite, patience } from './testing/dashboard-suite.ts'
import { startRelay } from './testing/relay.ts'

const symbol = 'BTC-USDT'
const minute = 60_000
const storedCount = 2000

/** A final candle of each minute up to `last`, closing at its index. */
function stored(last: number) {
  return Array.from({ length: storedCount }, (_, i) => {
    const start = last - (storedCount - 1 - i) * minute
    return candleOf({
      start,
      symbol,
      open: 1000 + i,
      high: 1002 + i,
      low: 999 + i,
      close: 1001 + i,
      final: true,
      seq: i + 1,
    })
  })
}

describeService('chromium', 'the dashboard at the real gateway', ({ path }) => {
  const { shows, visit, cleanups } = dashboardSuite(path)

  /** A gateway whose log holds epoch 3 and one open candle, over a store of final ones. */
  async function start(options: Partial<GatewayOptions> = {}, before?: TestGateway) {
    const started = await startTestGateway({ ...dashboardFiles, ...options }, before)
    cleanups.push(() => started.gateway.close())
    return started
  }

  async function filled(options: Partial<GatewayOptions> = {}) {
    const last = Math.floor(Date.now() / minute) * minute
    const started = await start(options)
    started.store.put(...stored(last - minute))
    started.log.append(0, { epoch: 3 })
    let q = 0
    const emit = (kind: 'update' | 'final' | 'correction', start: number, close: number) => {
      q++
      const final = kind !== 'update'
      const content = {
        open: close,
        high: close,
        low: close,
        close,
        final,
        revision: q + 1,
        seq: final ? storedCount + q : 0,
      }
      const candle = candleOf({ start, symbol, ...content })
      if (final) started.store.put(candle)
      started.log.append(0, emissionOf(3, q, kind, candle))
    }
    emit('update', last, 5000.25)
    return { ...started, last, emit }
  }

  const open = (url: string) => visit(`${url}/#${symbol}/1m`)

  it('shows history and live candles, moves, closes, corrects, without a complaint', async () => {
    const { gateway, last, emit } = await filled()
    const { page, complaints } = await open(gateway.url)
    await shows(page, 'connection-text', /^Live$/)
    await shows(page, 'last-price', /^5,000\.25$/)
    await shows(page, 'symbol-count', /^\(1\)$/)
    emit('update', last, 5001.5)
    await shows(page, 'last-price', /^5,001\.50$/)
    emit('final', last, 5002.5)
    await shows(page, 'legend-state', /^Final$/)
    emit('update', last + minute, 5003)
    await shows(page, 'last-price', /^5,003\.00$/)
    emit('correction', last - minute, 4444)
    await page.locator('#chart').focus()
    for (let i = 0; i < 3; i++) await page.keyboard.press('ArrowLeft')
    await shows(page, 'legend-state', /^Final, corrected$/)
    await shows(page, 'legend-close', /^4,444\.00$/)
    expect(complaints).toEqual([])
  })

  it('loads older candles than the snapshot from the history API', async () => {
    const { gateway } = await filled()
    const { page, complaints } = await open(gateway.url)
    const asked: string[] = []
    page.on('request', (request) => asked.push(request.url()))
    await shows(page, 'last-price', /^5,000\.25$/)
    await page.locator('#chart').hover()
    const pages = () => asked.filter((url) => url.includes('/v1/ohlcv?')).length
    await expect
      .poll(async () => {
        await page.mouse.wheel(-4000, 0)
        return pages()
      }, patience)
      .toBeGreaterThanOrEqual(3)
    expect(complaints).toEqual([])
  })

  it('resumes at another gateway when its own is gone', async () => {
    const first = await filled()
    const { last, emit } = first
    const second = await start({}, first)
    const relay = await startRelay(first.gateway.port)
    cleanups.push(relay.close)
    const { page } = await open(relay.url)
    await shows(page, 'last-price', /^5,000\.25$/)
    const frames: string[] = []
    page.on('websocket', (socket) => {
      socket.on('framesent', ({ payload }) => frames.push(String(payload)))
      socket.on('framereceived', ({ payload }) => frames.push(String(payload)))
    })
    relay.cut(undefined)
    await shows(page, 'connection-text', /^Connection lost; reconnecting in \d+ s$/)
    emit('final', last, 5002.5)
    emit('update', last + minute, 5003.75)
    relay.cut(second.gateway.port)
    await shows(page, 'last-price', /^5,003\.75$/)
    await shows(page, 'connection-text', /^Live$/)
    expect(frames.find((frame) => frame.includes('"since"'))).toContain('"since":{"store":"k3","e":3,"q":1,')
    expect(frames.find((frame) => frame.includes('"subscribed"'))).toContain('"mode":"resumed"')
    await page.locator('#chart').focus()
    for (let i = 0; i < 2; i++) await page.keyboard.press('ArrowLeft')
    await shows(page, 'legend-close', /^5,002\.50$/)
  })

  it('goes on in a new epoch', async () => {
    const { gateway, last, log } = await filled()
    const { page, complaints } = await open(gateway.url)
    await shows(page, 'last-price', /^5,000\.25$/)
    log.append(0, { epoch: 4 })
    log.append(0, emissionOf(4, 1, 'update', candleOf({ start: last, symbol, close: 106, revision: 9 })))
    await shows(page, 'last-price', /^106\.00$/)
    log.append(0, emissionOf(4, 2, 'update', candleOf({ start: last, symbol, close: 107.5, revision: 10 })))
    await shows(page, 'last-price', /^107\.50$/)
    expect(complaints).toEqual([])
  })

  it('asks for the token and gets in with it', async () => {
    const token = 'a-token-that-is-long-enough-for-the-gateway-0123456789'
    const { gateway } = await filled({ authToken: token })
    const { page } = await open(gateway.url)
    await page.locator('#sign-in-token').fill('wrong')
    await page.keyboard.press('Enter')
    await shows(page, 'sign-in-reason', /refused|not accepted/)
    await page.locator('#sign-in-token').fill(token)
    await page.keyboard.press('Enter')
    await shows(page, 'last-price', /^5,000\.25$/)
    await shows(page, 'symbol-count', /^\(1\)$/)
  })
})
