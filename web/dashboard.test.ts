import { describe, expect, it } from 'vitest'
import { describeService } from '../test/services/services.ts'
import { dashboardSuite, patience } from './testing/dashboard-suite.ts'
import type { FakeGateway } from './testing/fake-gateway.ts'
import type { Row } from './testing/fake-market.ts'

const symbol = 'BTC-USDT'
const minute = 60_000

/** A candle after `row` in which every price is `price`. */
function rowAfter(row: Row, price: string): Row {
  return [row[0] + minute, price, price, price, price, '1', 1]
}

function priced(row: Row, close: string): Row {
  return [row[0], row[1], row[2], row[3], close, row[5], row[6]]
}

describeService('chromium', 'the dashboard', ({ path }) => {
  const { open, shows, live } = dashboardSuite(path)

  const subscribes = (gateway: FakeGateway) =>
    gateway.asked.filter((asked) => asked.op === 'subscribe').flatMap((asked) => asked.channels ?? [])

  it('asks for 500 candles and shows them without a complaint', async () => {
    const { gateway, page, complaints } = await open()
    await live(page)
    const last = Number(gateway.newest(symbol, '1m')[4]).toLocaleString('en', { minimumFractionDigits: 2 })
    await shows(page, 'last-price', last)
    await shows(page, 'legend-state', /^Open/)
    await shows(page, 'symbol-count', '(12)')
    expect(await page.locator('#symbol-list [role=option]').count()).toBe(12)
    expect(subscribes(gateway)).toEqual([{ symbol, interval: '1m', snapshot: 500 }])
    expect(await page.evaluate('document.querySelectorAll("#chart canvas").length')).toBeGreaterThan(3)
    expect(complaints).toEqual([])
  })

  it('moves with the updates and closes a candle', async () => {
    const { gateway, page, complaints } = await open()
    await live(page)
    const before = await page.locator('#chart').screenshot()
    const row = gateway.newest(symbol, '1m')
    gateway.emit(symbol, '1m', priced(row, '85000.1'), {})
    await shows(page, 'last-price', /^85,000\.10$/)
    gateway.emit(symbol, '1m', priced(row, '85001'), { x: 1 })
    await shows(page, 'legend-state', /^Final$/)
    gateway.emit(symbol, '1m', rowAfter(row, '85002.25'), {})
    await shows(page, 'last-price', /^85,002\.25$/)
    await shows(page, 'legend-state', /^Open/)
    expect(await page.title()).toBe(`85,002.25 ${symbol} · Redwick`)
    expect(before.equals(await page.locator('#chart').screenshot())).toBe(false)
    expect(complaints).toEqual([])
  })

  it('applies the correction of an old candle, and arrow keys find it', async () => {
    const { gateway, page, complaints } = await open()
    await live(page)
    const old = gateway.rows(symbol, '1m').at(-4)
    if (old === undefined) throw new Error('the fake market holds candles')
    const before = await page.locator('#chart').screenshot()
    gateway.emit(symbol, '1m', [old[0], old[1], '99000', old[3], '98000.5', old[5], old[6]], { x: 1, r: 1 })
    await expect.poll(async () => before.equals(await page.locator('#chart').screenshot()), patience).toBe(false)
    await page.locator('#chart').focus()
    for (let i = 0; i < 4; i++) await page.keyboard.press('ArrowLeft')
    await shows(page, 'legend-state', /^Final, corrected$/)
    await shows(page, 'legend-close', /^98,000\.50$/)
    await page.keyboard.press('Escape')
    await shows(page, 'legend-state', /^Open/)
    expect(complaints).toEqual([])
  })

  it('draws a candle that comes between others', async () => {
    const { gateway, page, complaints } = await open({ hash: `#${symbol}/5m` })
    await live(page)
    const row = gateway.newest(symbol, '5m')
    gateway.emit(symbol, '5m', [row[0] + 20 * minute, '1', '1', '1', '85000', '1', 1], {})
    gateway.emit(symbol, '5m', [row[0] + 10 * minute, '1', '1', '1', '77777', '1', 1], { x: 1 })
    await page.locator('#chart').focus()
    await shows(page, 'last-price', /^85,000\.00$/)
    for (let i = 0; i < 2; i++) await page.keyboard.press('ArrowLeft')
    await shows(page, 'legend-close', /^77,777\.00$/)
    expect(complaints).toEqual([])
  })

  describe('switches', () => {
    it('the symbol by search and keyboard, and the interval', async () => {
      const { gateway, page, complaints } = await open()
      await live(page)
      await page.keyboard.press('/')
      await page.keyboard.type('eth')
      await page.keyboard.press('Enter')
      await shows(page, 'quote-title', /^ETH-USDT · 1m$/)
      await live(page)
      await page.locator('#intervals input[value="15m"]').focus()
      await page.keyboard.press('ArrowRight')
      await shows(page, 'quote-title', /^ETH-USDT · 30m$/)
      await expect
        .poll(() => subscribes(gateway).at(-1), patience)
        .toMatchObject({ symbol: 'ETH-USDT', interval: '30m' })
      await live(page)
      expect(new URL(page.url()).hash).toBe('#ETH-USDT/30m')
      const left = gateway.asked.filter((asked) => asked.op === 'unsubscribe').flatMap((asked) => asked.channels ?? [])
      expect(left).toEqual([
        { symbol, interval: '1m' },
        { symbol: 'ETH-USDT', interval: '1m' },
      ])
      expect(complaints).toEqual([])
    })

    it('by the address, back and forth, with the digits of the data', async () => {
      const { page } = await open({ hash: '#SHIB-USDT/4h' })
      await shows(page, 'last-price', /^0\.0000\d{4}$/)
      await page.locator('[data-symbol="XRP-USDT"]').click()
      await shows(page, 'quote-title', /^XRP-USDT · 4h$/)
      await page.goBack()
      await shows(page, 'quote-title', /^SHIB-USDT · 4h$/)
      await shows(page, 'last-price', /^0\.0000\d{4}$/)
    })

    it('to a symbol that is not known, and says so', async () => {
      const { page } = await open({ hash: '#NOPE-USD/1m' })
      await shows(page, 'notice', /NOPE-USD/)
      await page.locator(`[data-symbol="${symbol}"]`).click()
      await live(page)
      expect(await page.locator('#notice').isVisible()).toBe(false)
    })
  })

  describe('when the server', () => {
    it('drops the socket, resumes where it was and misses nothing', async () => {
      const { gateway, page } = await open()
      await live(page)
      const row = gateway.newest(symbol, '1m')
      gateway.emit(symbol, '1m', priced(row, '85000.5'), {})
      await shows(page, 'last-price', /^85,000\.50$/)
      gateway.drop(4005)
      await shows(page, 'connection-text', /^Resynchronising; reconnecting in \d+ s$/)
      gateway.emit(symbol, '1m', priced(row, '85001.5'), { x: 1 })
      gateway.emit(symbol, '1m', rowAfter(row, '85002.5'), {})
      await shows(page, 'last-price', /^85,002\.50$/)
      await live(page)
      expect(subscribes(gateway).at(-1)?.since).toEqual({ store: 'k3', e: 12, q: 1001, seq: 900 })
      await page.locator('#chart').focus()
      for (let i = 0; i < 2; i++) await page.keyboard.press('ArrowLeft')
      await shows(page, 'legend-close', /^85,001\.50$/)
    })

    it('loses an update, is asked again from the last good one', async () => {
      const { gateway, page, complaints } = await open()
      await live(page)
      const row = gateway.newest(symbol, '1m')
      gateway.setMode('losing')
      gateway.emit(symbol, '1m', priced(row, '85001'), { x: 1 })
      gateway.setMode('usual')
      gateway.emit(symbol, '1m', rowAfter(row, '85002'), {})
      await shows(page, 'last-price', /^85,002\.00$/)
      expect(subscribes(gateway).at(-1)?.since).toMatchObject({ q: 1000 })
      await page.locator('#chart').focus()
      for (let i = 0; i < 2; i++) await page.keyboard.press('ArrowLeft')
      await shows(page, 'legend-close', /^85,001\.00$/)
      await shows(page, 'legend-state', /^Final$/)
      expect(complaints).toEqual([])
    })

    it('loses the last update, a heartbeat reveals it', async () => {
      const { gateway, page } = await open()
      await live(page)
      gateway.setMode('losing')
      gateway.emit(symbol, '1m', priced(gateway.newest(symbol, '1m'), '85001.75'), {})
      gateway.setMode('usual')
      gateway.heartbeat()
      await shows(page, 'last-price', /^85,001\.75$/)
    })

    it('has no snapshot, says that it is live only and fills the past from the store', async () => {
      const { gateway, page } = await open({ hash: `#${symbol}/1m` })
      await live(page)
      gateway.setMode('live-only')
      await page.locator('#intervals input[value="5m"]').check({ force: true })
      await shows(page, 'connection-text', /^Live only/)
      await shows(page, 'last-price', /\d/)
      expect(gateway.requests.some((path) => path.startsWith('/v1/ohlcv?') && path.includes('interval=5m'))).toBe(true)
    })

    it('refuses for good, stays away until someone asks', async () => {
      const { gateway, page } = await open()
      await live(page)
      gateway.drop(4504)
      await shows(page, 'connection-text', /^Too many connections$/)
      await page.locator('#connection-retry').click()
      await live(page)
    })

    it('wants a token, asks for it, sends it on both ways and keeps it out of the address', async () => {
      const { gateway, page } = await open({ token: 'secret-token' })
      await page.locator('#sign-in-token').fill('wrong')
      await page.keyboard.press('Enter')
      await shows(page, 'sign-in-reason', /refused|not valid/)
      await page.locator('#sign-in-token').fill('secret-token')
      await page.keyboard.press('Enter')
      await live(page)
      await shows(page, 'symbol-count', '(12)')
      expect(gateway.asked.filter((asked) => asked.op === 'auth').map((asked) => asked.token)).toContain('secret-token')
      expect(gateway.requests.join(' ')).not.toContain('secret-token')
      await page.reload()
      await live(page)
    })
  })

  it('loads older candles when the past comes into sight, down to the first', async () => {
    const { gateway, page, complaints } = await open()
    await live(page)
    const older = () => gateway.requests.filter((path) => path.startsWith('/v1/ohlcv?')).length
    expect(older()).toBe(0)
    await page.locator('#chart').hover()
    await expect
      .poll(async () => {
        await page.mouse.wheel(-4000, 0)
        return older()
      }, patience)
      .toBeGreaterThan(1)
    await page.locator('#to-latest').click()
    await expect.poll(() => page.locator('#to-latest').isVisible(), patience).toBe(false)
    expect(complaints).toEqual([])
  })
})
