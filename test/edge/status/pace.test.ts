import { expect, test } from 'vitest'
import { Pace } from '../../../src/edge/status/pace.ts'

test('who was sent a lot waits for the next answer, and nobody else', async () => {
  const pace = new Pace()
  pace.sent('192.0.2.1', Buffer.alloc(3_000_000))
  const begun = performance.now()
  await pace.wait('192.0.2.2')
  await pace.wait('192.0.2.1')
  expect(performance.now() - begun).toBeGreaterThan(250)
  pace.sent('192.0.2.1', 'x'.repeat(100))
  pace.sent('192.0.2.2', { pipe: 'a stream' })
  await pace.wait('192.0.2.2')
})
