import { expect, test } from 'vitest'
import { ago, bytes, count, dateTime, duration, lasting, plural } from '../../../../src/edge/status/views/format.ts'
import { Html, html } from '../../../../src/edge/status/views/html.ts'

test.for([
  [0, '0 B'],
  [999, '999 B'],
  [1000, '1 kB'],
  [1549, '1.5 kB'],
  [999_999, '1 MB'],
  [5e12, '5 TB'],
] as const)('%d bytes are %s', ([value, text]) => {
  expect(bytes(value)).toBe(text)
})

test.for([
  [-5000, '0 s'],
  [59_999, '59 s'],
  [60_000, '1 min'],
  [3_600_000 * 3 + 60_000 * 12, '3 h 12 min'],
  [86_400_000 * 40 + 3_600_000, '40 d 1 h'],
] as const)('%d ms are %s', ([value, text]) => {
  expect(duration(value)).toBe(text)
})

test('counts and plurals', () => {
  expect(count(12345)).toBe('12,345')
  expect([plural(1, 'device'), plural(0, 'device'), plural(2, 'has', 'have')]).toEqual([
    '1 device',
    '0 devices',
    '2 have',
  ])
})

test('ages survive clocks that jump and times that are none', () => {
  const at = '2026-03-01T10:00:00.000Z'
  expect(ago(Date.parse(at) + 12_000, at).text).toContain('>12 s ago</time>')
  expect(ago(Date.parse(at) - 86_400_000, at).text).toContain('>just now</time>')
  expect(lasting(Date.parse(at) - 86_400_000, at).text).toContain('>0 s</time>')
  expect(ago(0, '').text).toBe('unknown')
  expect(dateTime('<b>')).toBe('unknown')
})

test('a template escapes every value that is not its own', () => {
  expect(html`<a title="${`<>&"'`}">${['<b>', html`<i>${'&'}</i>`, 3, undefined, false]}</a>`.text).toBe(
    '<a title="&lt;&gt;&amp;&quot;&#39;">&lt;b&gt;<i>&amp;</i>3</a>',
  )
  expect(html`${new Html('<br>')}`.text).toBe('<br>')
})
