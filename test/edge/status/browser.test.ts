import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { hostState } from '../../ipc/fixtures.ts'
import { faintTexts, launchBrowser, overflow, visit } from './browser.ts'
import { device } from './fixtures.ts'
import { pageStates } from './page-states.ts'
import { serve } from './serve.ts'

let browser: Browser
beforeAll(async () => {
  browser = await launchBrowser()
}, 60_000)
afterAll(() => browser.close())

const patience = { timeout: 15_000 }

test('the page follows the appliance without a reload', async () => {
  await using served = await serve()
  pageStates.pulling(served)
  await using visitor = await visit(browser, served.url)
  const { page } = visitor
  expect(await page.textContent('h1')).toContain('Downloading')
  expect(await page.textContent('.pull')).toContain('134 MB of 812 MB (16 %)')
  await page.evaluate('window.sameDocument = true')
  await expect.poll(() => page.textContent('#live'), patience).toBe('Live')

  pageStates.ready(served)
  served.changed.emit()
  await expect.poll(() => page.textContent('h1'), patience).toContain('Ready')
  expect(await page.locator('#devices tbody tr').count()).toBe(3)
  expect(await page.title()).toContain('Ready')
  expect(await page.locator('.pull').count()).toBe(0)
  expect(await page.evaluate('window.sameDocument')).toBe(true)
  expect(visitor.complaints).toEqual([])
  expect(visitor.foreign).toEqual([])
})

test('an update keeps opened details, focus and scroll position, and moves rows instead of remaking them', async () => {
  await using served = await serve()
  pageStates.degraded(served)
  const devices = Array.from({ length: 100 }, (_, i) => device({ mac: `AA-BB-CC-00-00-${i}`, name: `AP ${i + 100}` }))
  served.edge = { ...served.edge, devices }
  await using visitor = await visit(browser, served.url)
  const { page } = visitor
  await page.click('#health summary')
  await page.focus('#devices .scroll')
  await page.evaluate(`
    document.querySelector('#devices .scroll').scrollTop = 500
    document.querySelector('[data-key="AA-BB-CC-00-00-50"]').kept = true`)

  const hint = { message: 'its clock is wrong' }
  served.edge = {
    ...served.edge,
    devices: devices.slice(1).map((one, i) => (i === 49 ? { ...one, hint } : one)),
  }
  served.changed.emit()
  await expect.poll(() => page.textContent('#devices tbody tr:first-child'), patience).toContain('clock is wrong')
  expect(await page.locator('#devices tbody tr').count()).toBe(99)
  expect(await page.locator('#health details[open]').count()).toBe(1)
  expect(await page.evaluate('document.activeElement.className')).toContain('scroll')
  expect(await page.evaluate(`document.querySelector('#devices .scroll').scrollTop`)).toBeGreaterThan(400)
  expect(await page.evaluate(`document.querySelector('[data-key="AA-BB-CC-00-00-50"]').kept`)).toBe(true)
  expect(visitor.complaints).toEqual([])
})

test('texts from the LAN stay text, on the first page and in updates', async () => {
  await using served = await serve()
  const attack = `<img src=x onerror=alert(1)>"'><script>alert(2)</script>&amp;`
  const hostile = (name: string) =>
    device({
      name,
      model: name,
      firmware: name,
      class: name,
      announcedAddress: name,
      mac: name,
      hint: { message: name },
    })
  served.edge = { ...served.edge, devices: [hostile(attack)] }
  await using visitor = await visit(browser, served.url)
  const { page } = visitor
  expect(await page.textContent('#devices bdi')).toBe(attack)
  await expect.poll(() => page.textContent('#live'), patience).toBe('Live')
  served.edge = { ...served.edge, devices: [hostile(`again ${attack}`)] }
  served.changed.emit()
  await expect.poll(() => page.textContent('#devices bdi'), patience).toBe(`again ${attack}`)
  expect(await page.locator('main img, main script').count()).toBe(0)
  expect(visitor.complaints).toEqual([])
})

test('a lost connection is told, and the page comes back by itself', async () => {
  const first = await serve()
  await using visitor = await visit(browser, first.url)
  const { page } = visitor
  await expect.poll(() => page.textContent('#live'), patience).toBe('Live')
  await first[Symbol.asyncDispose]()
  await expect.poll(() => page.textContent('#live'), patience).toContain('Connection lost')
  await using second = await serve({ port: first.port })
  second.host = hostState({ phase: 'stopping' })
  await expect.poll(() => page.textContent('h1'), { timeout: 20_000 }).toContain('Stopping')
  await expect.poll(() => page.textContent('#live'), patience).toBe('Live')
}, 60_000)

test('without a script the page says everything and reloads itself', async () => {
  await using served = await serve()
  pageStates.ready(served)
  await using visitor = await visit(browser, served.url, { javaScriptEnabled: false })
  expect(await visitor.page.textContent('h1')).toContain('Ready')
  expect(await visitor.page.locator('#devices tbody tr').count()).toBe(3)
  expect(await visitor.page.locator('noscript meta[http-equiv=refresh], meta[http-equiv=refresh]').count()).toBe(1)
})

test.for(['light', 'dark'] as const)(
  'it is legible on a phone and a desktop in every state: %s',
  { timeout: 90_000 },
  async (colorScheme) => {
    await using served = await serve()
    for (const width of [390, 940, 1280]) {
      await using visitor = await visit(browser, served.url, { viewport: { width, height: 800 }, colorScheme })
      for (const [name, set] of Object.entries(pageStates)) {
        set(served)
        served.changed.emit()
        await visitor.page.goto(served.url)
        expect({ name, width, overflow: await overflow(visitor.page) }).toEqual({ name, width, overflow: 0 })
        expect({ name, faint: await faintTexts(visitor.page) }).toEqual({ name, faint: [] })
      }
      const background = await visitor.page.evaluate('getComputedStyle(document.body).backgroundColor')
      expect(background).toBe(colorScheme === 'dark' ? 'rgb(18, 21, 25)' : 'rgb(244, 246, 248)')
      expect(visitor.complaints).toEqual([])
    }
  },
)
