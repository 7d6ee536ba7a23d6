import { type Browser, chromium, type Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, expect } from 'vitest'
import { chromiumArguments, openPage, type PageOptions, textOf } from './dashboard-page.ts'
import { type FakeGatewayOptions, startFakeGateway } from './fake-gateway.ts'

/** How long a page may take to show what it should: the machine may be busy. */
export const patience = { timeout: 15_000, interval: 50 }

/** One browser for a suite; what a test opens is closed after it. */
export function dashboardSuite(path: string) {
  let browser: Browser
  const cleanups: (() => Promise<unknown>)[] = []

  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: path, headless: true, args: chromiumArguments })
  })
  afterAll(() => browser.close())
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
  })

  const shows = (page: Page, id: string, text: string | RegExp) =>
    expect.poll(() => textOf(page, id), patience).toMatch(text)

  return {
    shows,
    /** To be closed after the test, the last one first. */
    cleanups,

    /** A page at `url`. */
    async visit(url: string, options: PageOptions = {}) {
      const opened = await openPage(browser, url, options)
      cleanups.push(opened.close)
      return opened
    },

    /** A page at a fake gateway of its own. */
    async open(options: PageOptions & FakeGatewayOptions & { hash?: string } = {}) {
      const gateway = await startFakeGateway(options)
      cleanups.push(gateway.close)
      const opened = await openPage(browser, `${gateway.url}${options.hash ?? ''}`, options)
      cleanups.push(opened.close)
      return { gateway, ...opened }
    },

    async live(page: Page): Promise<void> {
      await shows(page, 'connection-text', /^Live$/)
      await shows(page, 'last-price', /\d/)
    },
  }
}
