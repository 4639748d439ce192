import { describe, expect, test } from 'vitest'
import { apply, needsRestart } from '../../src/config/apply.ts'
import { keyNeeds } from '../../src/config/keys.ts'
import { configSchema } from '../../src/config/schema.ts'

const parse = (config: object) => configSchema.parse(config)
const rules = (process: 'host' | 'edge') => ({ process, needs: keyNeeds })
const keys = (pending: readonly { key: string }[]) => pending.map(({ key }) => key)

describe('in the host', () => {
  const started = parse({ controller: { cpus: 2 } })
  const next = parse({
    controller: { pull: 'always', image: 'docker.io/mbentley/omada-controller:6.4' },
    engine: { socket: '/run/other.sock' },
    proxy: { ports: [8043], drainSeconds: 3 },
    log: { level: 'debug' },
  })

  test('live keys and those of the edge are in force, those of the host and its container stay as they were', () => {
    const { inForce, applied, pending } = apply({ started, inForce: started }, next, rules('host'))
    expect(applied).toEqual(['controller.pull', 'proxy.ports', 'proxy.drainSeconds', 'log.level'])
    expect(pending).toEqual([
      { key: 'controller.image', need: 'container' },
      { key: 'controller.cpus', need: 'container' },
      { key: 'engine.socket', need: 'host' },
    ])
    expect(inForce).toEqual({
      ...started,
      controller: { ...started.controller, pull: 'always' },
      proxy: { ...started.proxy, ports: [8043], drainSeconds: 3 },
      log: { level: 'debug' },
    })
  })

  test('nothing of what it was given is written into', () => {
    const [before, wanted] = [structuredClone(started), structuredClone(next)]
    apply({ started, inForce: started }, next, rules('host'))
    expect({ started, next }).toEqual({ started: before, next: wanted })
  })

  test('the same once more is nothing new, and stays pending until it is taken back', () => {
    const { inForce, pending } = apply({ started, inForce: started }, next, rules('host'))
    const again = apply({ started, inForce }, structuredClone(next), rules('host'))
    expect(again).toEqual({ inForce, applied: [], pending })
    const back = apply({ started, inForce }, started, rules('host'))
    expect(back).toEqual({
      inForce: started,
      applied: ['controller.pull', 'proxy.ports', 'proxy.drainSeconds', 'log.level'],
      pending: [],
    })
  })

  test('a key that has no value any more has none in force either', () => {
    const timed = parse({ access: { devices: ['lan0'] }, mongo: { uri: 'mongodb://db' } })
    const { inForce, applied, pending } = apply({ started: timed, inForce: timed }, parse({}), rules('host'))
    expect(applied).toEqual(['access.devices'])
    expect(keys(pending)).toEqual(['mongo.uri'])
    expect(inForce.mongo).toEqual({ uri: 'mongodb://db' })
  })
})

describe('in the edge', () => {
  const { network, discovery, proxy, log } = parse({})
  const started = { network, discovery, proxy, log }

  test('its own keys are pending, all else is in force, also what a host needed its restart for', () => {
    const next = {
      ...started,
      network: { ...network, subnet: '10.0.0.0/24' },
      discovery: { ...discovery, strict: true, maxSessions: 100 },
      proxy: { ...proxy, ports: [8043] },
    }
    const { inForce, applied, pending } = apply({ started, inForce: started }, next, rules('edge'))
    expect(applied).toEqual(['network.subnet', 'discovery.strict'])
    expect(keys(pending)).toEqual(['discovery.maxSessions', 'proxy.ports'])
    expect(inForce).toEqual(next)
    expect(apply({ started, inForce }, started, rules('edge')).pending).toEqual([])
  })
})

test.each([
  ['omada-host', 'systemctl restart omada-host ('],
  ['omada-host-edge', 'systemctl restart omada-host-edge ('],
  ['omada-host run', 'end omada-host run and start it again'],
] as const)('what needs a restart of %s says so', (what, remedy) => {
  const fault = needsRestart(['proxy.ports', 'log.level'], what)
  expect(fault).toMatchObject({ code: 'RESTART_PENDING', remedy: expect.stringContaining(remedy) })
  expect(fault.message).toContain('proxy.ports, log.level')
})
