import { expect, test } from 'vitest'
import { StatusSnapshot } from '../../../src/edge/status/snapshot.ts'
import { hostState } from '../../ipc/fixtures.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { device, edgeState } from './fixtures.ts'

/** A snapshot of an edge whose state, and whose list of devices, take this long to put together. */
function slow({ edgeMilliseconds = 0, devicesMilliseconds = 0 }) {
  const clock = new ManualClock()
  const made = { edge: 0, devices: 0 }
  const host = hostState()
  const edge = () => {
    made.edge += 1
    clock.advance(edgeMilliseconds)
    return {
      ...edgeState(),
      get devices() {
        made.devices += 1
        clock.advance(devicesMilliseconds)
        return [device()]
      },
    }
  }
  const snapshot = new StatusSnapshot({ sources: { host: () => host, edge }, clock })
  return { clock, made, snapshot }
}

test('what took long to put together is handed to the next readers all the same', () => {
  const { clock, made, snapshot } = slow({ edgeMilliseconds: 3000, devicesMilliseconds: 3000 })
  for (let reader = 0; reader < 6; reader += 1) {
    snapshot.page()
    snapshot.devicesJson()
    snapshot.statusJson()
    clock.advance(100)
  }
  expect(made).toEqual({ edge: 1, devices: 1 })
  clock.advance(2000)
  snapshot.page()
  expect(made).toEqual({ edge: 2, devices: 2 })
})

test('a change is seen at once, and who asks for the phase alone has no device looked at', () => {
  const { made, snapshot } = slow({})
  snapshot.status()
  snapshot.invalidate()
  snapshot.statusJson()
  expect(made).toEqual({ edge: 2, devices: 0 })
})
