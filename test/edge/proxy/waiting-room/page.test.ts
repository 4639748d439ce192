import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { guestView, renderPage, styleSource } from '../../../../src/edge/proxy/waiting-room/page.ts'
import type { WaitingView } from '../../../../src/edge/proxy/web-upstream.ts'
import type { Phase } from '../../../../src/ipc/host-state.ts'
import { pulling } from './support.ts'

const phases: Phase[] = ['pulling', 'creating', 'starting', 'ready', 'degraded', 'stopping', 'stopped', 'failed']

test.each(phases)('%s: a whole page that reloads itself and loads nothing', (phase) => {
  const page = renderPage({ phase, reason: { message: 'why it is so' } })
  expect(page).toMatch(/<meta http-equiv="refresh" content="\d+">/)
  expect(page).toContain('why it is so')
  expect(page).toContain('<html lang="en">')
  expect(page).toMatch(/<title>[^<]+<\/title>/)
  expect(page).not.toMatch(/<script|<link|<img|url\(|@import|src=/)
})

test('the style sheet is the one that the content security policy names', () => {
  const style = /<style>([\s\S]*)<\/style>/.exec(renderPage(pulling))?.[1] ?? ''
  expect(styleSource).toBe(`sha256-${createHash('sha256').update(style).digest('base64')}`)
})

test('progress of a pull is shown in bytes, percent and as a bar', () => {
  const page = renderPage(pulling)
  expect(page).toContain('<progress aria-label="Download" max="100" value="27">')
  expect(page).toContain('123 MB of 456 MB')
  expect(page).toContain('27 %')
  expect(page).toContain('attempt 2')
})

test('a pull whose size is not known yet, or was told too small, does not show nonsense', () => {
  const pull = { image: 'i', layers: [], attempt: 1 }
  const unknown = renderPage({ ...pulling, pull: { ...pull, current: 2_500, total: 0 } })
  expect(unknown).toContain('<progress aria-label="Download"></progress>')
  expect(unknown).toContain('2.5 kB so far')
  expect(unknown).not.toMatch(/NaN|Infinity/)
  const beyond = renderPage({ ...pulling, pull: { ...pull, current: 5_000_000_000, total: 4_000_000_000 } })
  expect(beyond).toContain('value="100"')
  expect(beyond).toContain('4 GB of 4 GB')
})

test('texts are shown as they are, never taken as HTML', () => {
  const nasty = `</p><script>alert("1")</script>&'\u0007\u001b[31m`
  const view: WaitingView = {
    phase: 'failed',
    reason: { message: `${nasty}\nsecond line`, code: 'DISK_FULL', remedy: nasty },
    pull: { image: nasty, current: 1, total: 2, layers: [], attempt: 1 },
  }
  for (const page of [renderPage(view, `http://x/"onclick="${nasty}`), renderPage({ ...view, phase: 'pulling' })]) {
    expect(page).not.toContain('<script>')
    expect(page).not.toContain('"onclick="')
    for (const control of ['\u0007', '\u001b']) expect(page).not.toContain(control)
    expect(page).toContain('&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&amp;&#39;')
    expect(page).toContain('\nsecond line')
  }
})

test('a very long reason is cut', () => {
  expect(renderPage({ phase: 'failed', reason: { message: 'x'.repeat(100_000) } }).length).toBeLessThan(15_000)
})

test('guests learn the phase and nothing else', () => {
  const view: WaitingView = { ...pulling, reason: { message: 'secret', code: 'DISK_FULL', remedy: 'secret' } }
  expect(JSON.stringify(guestView(view))).not.toMatch(/secret|DISK_FULL|mbentley/)
  expect(guestView(view).phase).toBe('pulling')
})
