import { describe, expect, it } from 'vitest'
import { assembleHostState, type HostParts, historyLimit, initialHostState } from '../../src/host/assemble-host.ts'
import { derivePhase } from '../../src/ipc/phase.ts'

const at = (second: number) => new Date(second * 1000).toISOString()
const initial = initialHostState({ version: '1.0.0', image: 'omada:6.2', address: '10.129.81.10', at: at(0) })

function parts(change: {
  lifecycle?: HostParts['controller']['lifecycle']
  ready?: boolean
  everReady?: boolean
}): HostParts {
  return {
    controller: {
      lifecycle: change.lifecycle ?? 'running',
      reason: { message: 'from the reconciler' },
      facts: { image: 'omada:6.2', address: '10.129.81.10', containerId: 'abc' },
      warnings: [],
    },
    health: {
      ready: change.ready ?? false,
      everReady: change.everReady ?? false,
      reason: { message: 'from the probes' },
      conditions: [{ name: 'database', status: 'ok', reason: { message: 'answers' }, since: at(1) }],
      version: '6.2.0',
    },
    portHolders: [],
    warnings: [],
    images: undefined,
  }
}

describe('derivePhase', () => {
  it.each([
    ['pulling', false, false, 'pulling', 'from the reconciler'],
    ['failed', false, true, 'failed', 'from the reconciler'],
    ['stopping', true, true, 'stopping', 'from the reconciler'],
    ['starting', false, false, 'starting', 'from the probes'],
    ['running', false, false, 'starting', 'from the probes'],
    ['running', true, true, 'ready', 'from the probes'],
    ['running', false, true, 'degraded', 'from the probes'],
  ] as const)('%s, ready %s, ever ready %s is %s', (lifecycle, ready, everReady, phase, message) => {
    const { controller, health } = parts({ lifecycle, ready, everReady })
    expect(derivePhase(controller, health)).toEqual({ phase, reason: { message } })
  })
})

describe('assembleHostState', () => {
  it('moves since and adds to the history only when the phase changes', () => {
    const starting = assembleHostState(initial, parts({}), at(1))
    expect(starting).toMatchObject({ phase: 'starting', since: at(1), controller: { version: '6.2.0' } })
    expect(starting.history).toEqual([
      { at: at(1), subject: 'phase', from: 'creating', to: 'starting', message: 'from the probes' },
    ])
    expect(assembleHostState(starting, parts({}), at(2))).toBe(starting)
    const ready = assembleHostState(starting, parts({ ready: true, everReady: true }), at(3))
    expect(ready.history).toHaveLength(2)
    expect(ready.since).toBe(at(3))
  })

  it('shows no conditions of a controller that does not run', () => {
    expect(assembleHostState(initial, parts({ lifecycle: 'stopped' }), at(1)).conditions).toEqual([])
    expect(assembleHostState(initial, parts({}), at(1)).conditions).toHaveLength(1)
  })

  it('bounds the history', () => {
    let state = initial
    for (let second = 1; second < 3 * historyLimit; second++) {
      state = assembleHostState(state, parts({ ready: second % 2 === 0, everReady: true }), at(second))
    }
    expect(state.history).toHaveLength(historyLimit)
    expect(state.history.at(-1)?.at).toBe(at(3 * historyLimit - 1))
  })
})
