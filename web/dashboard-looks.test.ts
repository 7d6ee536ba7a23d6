import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { describeService } from '../test/services/services.ts'
import { dashboardSuite, patience } from './testing/dashboard-suite.ts'

/** Where pictures go and stay; a temporary folder that is removed where it is not given. */
const kept = process.env['DASHBOARD_SHOTS']

describeService('chromium', 'the looks of the dashboard', ({ path }) => {
  const { open, shows, live } = dashboardSuite(path)
  let shots: string

  beforeAll(async () => {
    shots = kept ?? (await mkdtemp(join(tmpdir(), 'dashboard-')))
  })
  afterAll(async () => {
    if (kept === undefined) await rm(shots, { recursive: true, force: true })
  })

  it.each([
    { name: 'dark', theme: 'dark', width: 1440, height: 900 },
    { name: 'light', theme: 'light', width: 1440, height: 900 },
    { name: 'dark, small', theme: 'dark', width: 390, height: 844 },
    { name: 'light, small', theme: 'light', width: 390, height: 844 },
    { name: 'dark, large', theme: 'dark', width: 2560, height: 1300 },
  ] as const)('fits the screen: $name', async ({ name, theme, width, height }) => {
    const { page, complaints } = await open({ theme, width, height })
    await live(page)
    await expect.poll(() => page.locator('#day-change').textContent(), patience).toMatch(/%/)
    await page.screenshot({ path: join(shots, `${name.replace(', ', '-')}.png`) })
    const colour = await page.evaluate<string>('getComputedStyle(document.body).backgroundColor')
    expect(colour === 'rgb(255, 255, 255)').toBe(theme === 'light')
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width)
    expect((await page.locator('#chart').boundingBox())?.height).toBeGreaterThan(300)
    expect(complaints).toEqual([])
  })

  it('changes the theme on request and remembers it', async () => {
    const { page, complaints } = await open({ theme: 'dark' })
    await live(page)
    const before = await page.locator('#chart').screenshot()
    await page.locator('#theme').click()
    expect(await page.evaluate('document.documentElement.dataset.theme')).toBe('light')
    await expect.poll(async () => before.equals(await page.locator('#chart').screenshot()), patience).toBe(false)
    await page.reload()
    await live(page)
    expect(await page.evaluate('document.documentElement.dataset.theme')).toBe('light')
    expect(complaints).toEqual([])
  })

  it('opens the list over the chart on a small screen and gives the focus back', async () => {
    const { page } = await open({ width: 390, height: 844 })
    await live(page)
    await page.locator('#markets-toggle').click()
    expect(await page.evaluate('document.activeElement.id')).toBe('symbol-search')
    await page.screenshot({ path: join(shots, 'list-small.png') })
    await page.keyboard.press('Escape')
    expect(await page.evaluate('document.activeElement.id')).toBe('markets-toggle')
    await page.locator('#markets-toggle').click()
    await page.locator('[data-symbol="SOL-USDT"]').click()
    await shows(page, 'quote-title', /^SOL-USDT/)
    expect(await page.locator('#markets').isVisible()).toBe(false)
  })

  it('names the makers of the charts', async () => {
    const { page } = await open()
    expect(await page.locator('.foot').textContent()).toContain('TradingView Lightweight Charts™')
    expect(await page.locator('.foot a[href="https://www.tradingview.com/"]').isVisible()).toBe(true)
    await expect.poll(() => page.locator('#tv-attr-logo').isVisible(), patience).toBe(true)
  })
})
