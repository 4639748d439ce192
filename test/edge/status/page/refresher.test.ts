import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Refresher } from '../../../../src/edge/status/page/refresher.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

function scene(costMilliseconds = 0) {
  const seen = { refreshes: 0, running: 0, most: 0, visible: true }
  const refresher = new Refresher({
    refresh: async () => {
      seen.refreshes += 1
      seen.running += 1
      seen.most = Math.max(seen.most, seen.running)
      await new Promise((resolve) => setTimeout(resolve, costMilliseconds))
      seen.running -= 1
    },
    wanted: () => seen.visible,
  })
  return { seen, refresher }
}

test('a burst of events is one refresh, half a second after the first', async () => {
  const { seen, refresher } = scene()
  for (let event = 0; event < 10; event += 1) {
    refresher.request()
    await vi.advanceTimersByTimeAsync(40)
  }
  expect(seen.refreshes).toBe(0)
  await vi.advanceTimersByTimeAsync(100)
  expect(seen.refreshes).toBe(1)
  await vi.advanceTimersByTimeAsync(60_000)
  expect(seen.refreshes).toBe(1)
})

test('what changes during a refresh is asked for once more, and never two at a time', async () => {
  const { seen, refresher } = scene(100)
  refresher.request()
  await vi.advanceTimersByTimeAsync(550)
  expect(seen.running).toBe(1)
  refresher.request()
  refresher.request()
  await vi.advanceTimersByTimeAsync(60_000)
  expect(seen).toMatchObject({ refreshes: 2, most: 1 })
})

test('a page that takes long is fetched less often', async () => {
  const { seen, refresher } = scene(2000)
  refresher.request()
  await vi.advanceTimersByTimeAsync(2500)
  refresher.request()
  await vi.advanceTimersByTimeAsync(7900)
  expect(seen.refreshes).toBe(1)
  await vi.advanceTimersByTimeAsync(200)
  expect(seen.refreshes).toBe(2)
})

test('a page that nobody sees is not fetched, and is when somebody does', async () => {
  const { seen, refresher } = scene()
  seen.visible = false
  refresher.request()
  await vi.advanceTimersByTimeAsync(60_000)
  expect(seen.refreshes).toBe(0)
  seen.visible = true
  refresher.request()
  await vi.advanceTimersByTimeAsync(500)
  expect(seen.refreshes).toBe(1)
})
