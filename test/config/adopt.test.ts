import { expect, test } from 'vitest'
import { adoptableKeys, adoptConfig } from '../../src/config/adopt.ts'
import { configKeys, configSections } from '../../src/config/keys.ts'
import { type Config, configSchema } from '../../src/config/schema.ts'

const sections = configSections as readonly (keyof Config)[]
const parse = (config: object) => configSchema.parse(config)

test('what may change at run time is what the schema says', () => {
  const free = configKeys.filter((key) => key.meta.needs === undefined).map((key) => key.path)
  expect([...adoptableKeys].sort()).toEqual(free.sort())
})

test('takes over in place what may change, and names what may not', () => {
  const running = parse({ log: { level: 'info' }, controller: { cpus: 2 } })
  const { health } = running
  const next = parse({ log: { level: 'debug' }, health: { intervalSeconds: 5 }, status: { port: 8091 } })
  expect(adoptConfig(running, next, sections)).toEqual({
    applied: ['health.intervalSeconds', 'log.level'],
    pending: ['controller.cpus', 'status.port'],
  })
  expect(running.log.level).toBe('debug')
  expect(health.intervalSeconds).toBe(5)
  expect(running.status.port).toBe(8090)
  // What is pending stays so until the restart, and goes with the change that is taken back.
  expect(adoptConfig(running, next, sections)).toEqual({ applied: [], pending: ['controller.cpus', 'status.port'] })
  expect(adoptConfig(running, parse({ controller: { cpus: 2 } }), sections).pending).toEqual([])
})

test('other sections are left alone', () => {
  const running = parse({})
  const next = parse({ log: { level: 'debug' }, status: { port: 8091 } })
  expect(adoptConfig(running, next, ['health', 'controller'])).toEqual({ applied: [], pending: [] })
  expect(running.log.level).toBe('info')
})

test('a list with the same content is the same', () => {
  const list = ['eth0', '192.0.2.0/24']
  const running = parse({ access: { devices: [...list] } })
  expect(adoptConfig(running, parse({ access: { devices: [...list] } }), sections).applied).toEqual([])
  expect(adoptConfig(running, parse({}), sections).applied).toEqual(['access.devices'])
  expect(running.access.devices).toBe('any')
})
