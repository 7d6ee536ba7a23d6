import type { Browser, Page } from 'playwright-core'

export const chromiumArguments = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-dev-shm-usage',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

export interface PageOptions {
  readonly width?: number
  readonly height?: number
  readonly theme?: 'dark' | 'light'
}

/** A dashboard in a browser context of its own, and everything it complained about. */
export async function openPage(browser: Browser, url: string, options: PageOptions = {}) {
  const viewport = { width: options.width ?? 1280, height: options.height ?? 800 }
  const context = await browser.newContext({ viewport, colorScheme: options.theme ?? 'dark' })
  const page = await context.newPage()
  const complaints: string[] = []
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text())
  })
  page.on('pageerror', (error) => complaints.push(String(error.stack)))
  page.on('requestfailed', (request) => complaints.push(`${request.url()}: ${request.failure()?.errorText}`))
  // Reports what the policy refused as console errors, which the listener above takes.
  await page.addInitScript(
    "addEventListener('securitypolicyviolation', (e) => console.error('policy', e.violatedDirective, e.blockedURI))",
  )
  // Back-off takes its longest wait: a test sees the state in between.
  await page.addInitScript('Math.random = () => 0.999')
  await page.goto(url)
  return { page, complaints, close: () => context.close() }
}

/** Text of the element `id`. */
export async function textOf(page: Page, id: string): Promise<string> {
  return (await page.locator(`#${id}`).textContent()) ?? ''
}
