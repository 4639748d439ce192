import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'

/** Debian's package. */
const executablePath = '/usr/bin/chromium'

export function launchBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  })
}

export interface Visit extends AsyncDisposable {
  readonly page: Page
  /** What the browser complained about: errors, warnings, violations of the content security policy. */
  readonly complaints: string[]
  /** Addresses outside the page's own server that were asked for. */
  readonly foreign: string[]
}

/** Opens a page in a browser profile of its own. */
export async function visit(browser: Browser, url: string, options: BrowserContextOptions = {}): Promise<Visit> {
  const context = await browser.newContext(options)
  const page = await context.newPage()
  const complaints: string[] = []
  const foreign: string[] = []
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) complaints.push(message.text())
  })
  page.on('pageerror', (error) => complaints.push(error.message))
  page.on('dialog', (dialog) => {
    complaints.push(`dialog: ${dialog.message()}`)
    void dialog.dismiss()
  })
  page.on('request', (request) => {
    if (!request.url().startsWith(url) && !request.url().startsWith('data:')) foreign.push(request.url())
  })
  await page.goto(url)
  return { page, complaints, foreign, [Symbol.asyncDispose]: () => context.close() }
}

/** Horizontal overflow of the page and of the tables in it, in pixels: what one has to scroll sideways to see. */
export async function overflow(page: Page): Promise<number> {
  const tables = `[...document.querySelectorAll('.scroll')].map((one) => one.scrollWidth - one.clientWidth)`
  return (await page.evaluate(`Math.max(document.documentElement.scrollWidth - innerWidth, ...${tables})`)) as number
}

/** Texts whose contrast with what is behind them is under 4.5 (WCAG 2 AA). */
export async function faintTexts(page: Page): Promise<string[]> {
  return (await page.evaluate(`(() => {
    const channels = (color) => color.match(/[\\d.]+/g).map(Number)
    const luminance = (color) => {
      const [r, g, b] = channels(color).map((c) => (c / 255 <= 0.03928 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4))
      return 0.2126 * r + 0.7152 * g + 0.0722 * b
    }
    const behind = (element) => {
      for (let e = element; e; e = e.parentElement) {
        const color = getComputedStyle(e).backgroundColor
        if (channels(color)[3] !== 0) return color
      }
      return 'rgb(255, 255, 255)'
    }
    const faint = []
    for (const element of document.body.querySelectorAll('*')) {
      if (![...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim()) || element.localName === 'script') continue
      const [a, b] = [luminance(getComputedStyle(element).color), luminance(behind(element))].sort((x, y) => y - x)
      const contrast = (a + 0.05) / (b + 0.05)
      if (contrast < 4.5) faint.push(element.textContent.trim().slice(0, 40) + ' ' + contrast.toFixed(2))
    }
    return faint
  })()`)) as string[]
}
