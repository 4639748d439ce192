import { expect, test } from 'vitest'
import { agoView, lastingView } from '../../../../src/edge/status/views/parts.ts'

test('an age has its time as the title, and a time that is none has neither', () => {
  const at = '2026-03-01T10:00:00.000Z'
  expect(agoView(Date.parse(at) + 12_000, at).text).toMatch(
    /^<time datetime="2026-03-01T10:00:00.000Z" title="2026-[^"]+">12 s ago<\/time>$/,
  )
  expect(lastingView(Date.parse(at) + 60_000, at).text).toContain('>1 min</time>')
  expect(agoView(0, '<b>').text).toBe('unknown')
  expect(lastingView(0, '<b>').text).toBe('an unknown time')
})
