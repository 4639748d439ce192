import { expect, test } from 'vitest'
import { securityHeaders } from '../../../src/edge/status/policy.ts'
import { device } from './fixtures.ts'
import { pageStates } from './page-states.ts'
import { rawConnection, serve } from './serve.ts'

const pageOf = async (url: string) => (await fetch(url)).text()

test('a failure is shown with its reason, its remedy and its code', async () => {
  await using served = await serve()
  pageStates.failed(served)
  const page = await pageOf(served.url)
  expect(page).toContain('The processor lacks AVX')
  expect(page).toContain('set controller.image to docker.io/mbentley/omada-controller:5.15')
  expect(page).toContain('CPU_UNSUPPORTED')
})

test('a warning is shown with what mends it and since when it is so', async () => {
  await using served = await serve()
  pageStates.rival(served)
  const page = await pageOf(served.url)
  const warnings = page.slice(page.indexOf('id="warnings"'), page.indexOf('id="health"'))
  expect(warnings).toContain('Another omada-host is on eth0')
  expect(warnings).toContain('<code>OTHER_APPLIANCE</code>')
  expect(warnings).toMatch(/<span class="since">for <time datetime="2026-03-01T09:50:00.000Z"/)
})

test('what fails because of something else is folded under its cause, however far down', async () => {
  await using served = await serve()
  pageStates.degraded(served)
  const page = await pageOf(served.url)
  const health = page.slice(page.indexOf('id="health"'), page.indexOf('id="controller"'))
  const [before = '', folded = ''] = health.split('<details>')
  expect(before).toContain('<b>database</b>')
  expect(before).not.toContain('<b>web</b>')
  expect(folded).toContain('2 consequences')
  expect(folded).toContain('<b>web</b>')
  expect(folded).toContain('<b>web-ports</b>')
})

test('a consequence whose cause is unknown, and a circle of consequences, lose nothing', async () => {
  await using served = await serve()
  pageStates.degraded(served)
  const failing = served.host?.conditions[0]
  if (served.host === undefined || failing === undefined) throw new Error('no condition')
  const from = (name: string, consequenceOf: string) => ({ ...failing, name, consequenceOf })
  const conditions = [from('orphan', 'nothing'), from('hen', 'egg'), from('egg', 'hen'), from('chick', 'egg')]
  served.host = { ...served.host, conditions }
  const page = await pageOf(served.url)
  for (const { name } of conditions) expect(page.split(`<b>${name}</b>`)).toHaveLength(2)
})

test('adoption is told in plain words, devices that need somebody come first', async () => {
  await using served = await serve()
  pageStates.ready(served)
  const page = await pageOf(served.url)
  expect(page).toContain('1 connected · 1 ready to adopt · 1 has not connected after adopt was sent')
  const keys = [...page.matchAll(/<tr data-key="(AA-[^"]+)"/g)].map((match) => match[1])
  expect(keys).toEqual(['AA-BB-CC-00-00-03', 'AA-BB-CC-00-00-02', 'AA-BB-CC-00-00-01'])
  expect(page).toContain('Adopt was sent, but it has not connected')
  expect(page).toContain('open TCP 29814 in the firewall')
})

test('a device that has stopped announcing is not told to be ready to adopt', async () => {
  await using served = await serve()
  served.edge = { ...served.edge, devices: [device({ adoption: 'silent', ownership: 'factory' })] }
  const page = await pageOf(served.url)
  expect(page).toContain('Silent: not announcing, not connected')
  expect(page.toLowerCase()).not.toContain('ready to adopt')
})

test('the controller is linked at the address under which the page was asked for', async () => {
  await using served = await serve()
  const ask = async (host: string) => {
    const got = rawConnection(served.port, `GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`)
    await expect.poll(() => got.closed).toBe(true)
    return /class="open" href="([^"]*)"/.exec(got.text)?.[1]
  }
  expect(await ask('omada.local:8090')).toBe('https://omada.local:8043/')
  expect(await ask('192.168.0.2')).toBe('https://192.168.0.2:8043/')
  expect(await ask('[::1]:8090')).toBe('https://[::1]:8043/')
})

test('the policy allows this page to run its own script and nothing else', async () => {
  await using served = await serve()
  const page = await pageOf(served.url)
  expect(securityHeaders['content-security-policy']).not.toContain('unsafe')
  expect(page).not.toMatch(/ on[a-z]+=| style=|javascript:/)
  expect(page).not.toMatch(/(?:src|href)="(?:https?:)?\/\/(?!127\.0\.0\.1:8043)/)
})

test('a table that strangers filled is cut on the page, and whole as JSON', async () => {
  await using served = await serve()
  const devices = Array.from({ length: 4096 }, (_, i) => device({ mac: `AA-BB-CC-DD-${i}`, adoption: 'silent' }))
  served.edge = { ...served.edge, devices: [...devices, device({ mac: 'AA-STALLED', adoption: 'stalled' })] }
  const page = await pageOf(served.url)
  expect(page.match(/<tr data-key="AA-/g)).toHaveLength(500)
  expect(page).toContain('data-key="AA-STALLED"')
  expect(page).toContain('3,597 more are not shown')
  expect(await (await fetch(`${served.url}/api/v1/devices`)).json()).toHaveLength(4097)
})

test('a thousand devices are served, and as JSON too', async () => {
  await using served = await serve()
  served.edge = {
    ...served.edge,
    devices: Array.from({ length: 1000 }, (_, i) => device({ mac: `AA-BB-CC-DD-${i}`, name: `AP ${i}` })),
  }
  const page = await pageOf(served.url)
  expect(page.match(/<tr data-key="AA-/g)).toHaveLength(500)
  expect(page).toContain('1,000</span>')
  expect(page).toContain('500 more are not shown')
  const devices = (await (await fetch(`${served.url}/api/v1/devices`)).json()) as unknown[]
  expect(devices).toHaveLength(1000)
})
