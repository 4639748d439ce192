import { expect, test } from 'vitest'
import { configKeys } from '../../src/config/keys.ts'
import { load, messagesOf } from './faults.ts'

test.each([
  ['OMADA_HOST_CONTROLLER_STOP_GRACE_SECONDS', '180', (c) => c.controller.stopGraceSeconds, 180],
  ['OMADA_HOST_CONTROLLER_IMAGE', 'example.org/omada:1.2', (c) => c.controller.image, 'example.org/omada:1.2'],
  ['OMADA_HOST_CONTROLLER_INIT', 'true', (c) => c.controller.init, true],
  ['OMADA_HOST_CONTROLLER_CPUS', '1.5', (c) => c.controller.cpus, 1.5],
  ['OMADA_HOST_CONTROLLER_NAME', '0123', (c) => c.controller.name, '0123'],
  ['OMADA_HOST_CONTROLLER_ENVIRONMENT', '{A: "1", B: x}', (c) => c.controller.environment, { A: '1', B: 'x' }],
  ['OMADA_HOST_CONTROLLER_MEMORY', 'off', (c) => c.controller.memory, 'off'],
  [
    'OMADA_HOST_CONTROLLER_MEMORY',
    '{heapMegabytes: 512, databaseCacheMegabytes: 256}',
    (c) => c.controller.memory,
    { heapMegabytes: 512, databaseCacheMegabytes: 256 },
  ],
  ['OMADA_HOST_DISCOVERY_PORTS', '29810', (c) => c.discovery.ports, [29810]],
  ['OMADA_HOST_DISCOVERY_PORTS', '27001, 29810', (c) => c.discovery.ports, [27001, 29810]],
  ['OMADA_HOST_DISCOVERY_PORTS', '[27001, 29810]', (c) => c.discovery.ports, [27001, 29810]],
  ['OMADA_HOST_ACCESS_DEVICES', 'any', (c) => c.access.devices, 'any'],
  ['OMADA_HOST_ACCESS_DEVICES', 'vlan10', (c) => c.access.devices, ['vlan10']],
  ['OMADA_HOST_ACCESS_DEVICES', 'vlan10,fd00::/8', (c) => c.access.devices, ['vlan10', 'fd00::/8']],
  ['OMADA_HOST_IMAGES_CHECK_SCHEDULE', '*/5 * * * *', (c) => c.images.checkSchedule, '*/5 * * * *'],
  ['OMADA_HOST_MONGO_URI', 'mongodb://u:p@db/x?y=z', (c) => c.mongo.uri, 'mongodb://u:p@db/x?y=z'],
] satisfies [string, string, (config: ReturnType<typeof load>['config']) => unknown, unknown][])(
  '%s=%s',
  (variable, text, read, expected) => {
    const { config, sources } = load('', { [variable]: text })
    expect(read(config)).toEqual(expected)
    expect([...sources.values()]).toContainEqual({ kind: 'environment', variable })
  },
)

test('the environment overrides the file', () => {
  const { config, sources } = load('log: {level: warn}', { OMADA_HOST_LOG_LEVEL: 'debug' })
  expect(config.log.level).toBe('debug')
  expect(sources.get('log.level')).toEqual({ kind: 'environment', variable: 'OMADA_HOST_LOG_LEVEL' })
})

test('a file that is wrong is told although the environment overrides it', () => {
  expect(messagesOf('log: {level: loud}', { OMADA_HOST_LOG_LEVEL: 'debug' })).toHaveLength(1)
})

test.each([
  ['OMADA_HOST_STATUS_PORT', '', 'status.port (environment OMADA_HOST_STATUS_PORT) is ""'],
  ['OMADA_HOST_STATUS_PORT', '80x', 'is "80x"; accepted: a whole number from 1 to 65535'],
  ['OMADA_HOST_DISCOVERY_PORTS', '27001,99999', 'discovery.ports[1] (environment OMADA_HOST_DISCOVERY_PORTS) is 99999'],
  ['OMADA_HOST_CONTROLLER_INIT', 'yes', 'is "yes"; accepted: true or false'],
  ['OMADA_HOST_CONTROLLER_ENVIRONMENT', 'A=1', 'controller.environment (environment'],
  [
    'OMADA_HOST_LOG_LEVL',
    'info',
    '"OMADA_HOST_LOG_LEVL" stands for no configuration key; did you mean OMADA_HOST_LOG_LEVEL?',
  ],
  ['OMADA_HOST_NONSENSE', '1', '"OMADA_HOST_NONSENSE" stands for no configuration key'],
])('%s=%s is refused', (variable, text, expected) => {
  expect(messagesOf('', { [variable]: text })).toEqual([expect.stringContaining(expected)])
})

test('the variables of the options, and those of others, are no keys', () => {
  const env = {
    OMADA_HOST_CONFIG: '/x',
    OMADA_HOST_RUNTIME_DIR: '/y',
    OMADA_HOST_STATE_DIR: '/z',
    OMADA_HOSTS: '1',
    PATH: '',
  }
  expect(load('', env).config).toEqual(load().config)
})

test('no two keys share a variable', () => {
  const variables = configKeys.map(({ variable }) => variable)
  expect(new Set(variables).size).toBe(variables.length)
  expect(variables).toContain('OMADA_HOST_DISCOVERY_DUPLICATE_WINDOW_MILLISECONDS')
})
