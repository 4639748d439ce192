import { expect, test } from 'vitest'
import { decideWebUpstream } from '../../../src/edge/proxy/web-upstream.ts'
import type { Phase } from '../../../src/ipc/host-state.ts'
import { hostState } from '../../ipc/fixtures.ts'

const decide = (phase: Phase, current: boolean) =>
  decideWebUpstream({ state: hostState({ phase }), current, edgeAgeMilliseconds: 60_000 }).kind

test.each<[Phase, string, string]>([
  ['ready', 'forward', 'forward'],
  // A host that died while it waited for the controller leaves one that becomes ready by itself.
  ['starting', 'wait', 'forward'],
  ['degraded', 'wait', 'forward'],
  ['pulling', 'wait', 'wait'],
  ['creating', 'wait', 'wait'],
  ['stopping', 'wait', 'wait'],
  ['stopped', 'wait', 'wait'],
  ['failed', 'wait', 'wait'],
])('%s: %s while the host answers, %s when it does not any more', (phase, answering, silent) => {
  expect(decide(phase, true)).toBe(answering)
  expect(decide(phase, false)).toBe(silent)
})

test('an edge that never heard of the host waits for it for a moment', () => {
  const never = (edgeAgeMilliseconds: number) =>
    decideWebUpstream({ state: undefined, current: false, edgeAgeMilliseconds }).kind
  expect(never(1000)).toBe('wait')
  expect(never(10_001)).toBe('forward')
})
