import { expect, test } from 'vitest'
import { loadConfig } from '../../src/config/load.ts'
import { configSchema } from '../../src/config/schema.ts'
import { faultsOf, load, messagesOf } from './faults.ts'

test('no file at all is all defaults', () => {
  const { config, sources, warnings } = load()
  expect(config).toEqual(configSchema.parse({}))
  expect(config.controller).toMatchObject({ stopGraceSeconds: 120, pull: 'missing', memory: 'auto' })
  expect([...sources.values()].every(({ kind }) => kind === 'default')).toBe(true)
  expect(warnings).toEqual([])
})

test.each(['', '# nothing but a comment\n', 'log:\n', '---\n'])('%j is all defaults', (text) => {
  expect(load(text).config).toEqual(configSchema.parse({}))
})

const kept = { image: 'example/omada:6.2', subnet: '10.211.81.0/24', controllerAddress: '10.211.81.10' }

test('what was kept stands for what is left open, and is still a default', () => {
  const { config, sources } = loadConfig({ path: '/c.yaml', env: {}, defaults: kept })
  expect(config.controller.image).toBe(kept.image)
  expect(config.network).toMatchObject({ name: 'omada', subnet: '10.211.81.0/24', controllerAddress: '10.211.81.10' })
  expect(sources.get('network.subnet')).toEqual({ kind: 'default' })
})

test('what is chosen goes before what was kept, a network as a whole', () => {
  const text = 'controller: { image: "example/omada:7.0" }\nnetwork: { controllerAddress: 10.129.81.7 }'
  const { config } = loadConfig({ path: '/c.yaml', text, env: {}, defaults: kept })
  expect(config.controller.image).toBe('example/omada:7.0')
  expect(config.network).toMatchObject({ subnet: '10.129.81.0/24', controllerAddress: '10.129.81.7' })
})

test('a value of the file replaces the default and knows its line', () => {
  const { config, sources } = load('# mine\ncontroller:\n  image: docker.io/mbentley/omada-controller:5.15\n')
  expect(config.controller.image).toBe('docker.io/mbentley/omada-controller:5.15')
  expect(sources.get('controller.image')).toEqual({ kind: 'file', path: '/c.yaml', line: 3 })
  expect(sources.get('controller.pull')).toEqual({ kind: 'default' })
})

test('every fault is told at once, of the file and of the environment', () => {
  const text = `
controller:
  stopGraceSeconds: 30
  imag: x
proxy: {ports: [8043, 70000]}
netwrk: {}
log: {level: loud}
`
  expect(messagesOf(text, { OMADA_HOST_STATUS_PORT: 'none' })).toEqual([
    expect.stringContaining('CONFIG_INVALID controller.stopGraceSeconds (/c.yaml:3) is 30'),
    expect.stringContaining('CONFIG_INVALID "controller.imag" (/c.yaml:4) is not a key'),
    expect.stringContaining('CONFIG_INVALID proxy.ports[1] (/c.yaml:5) is 70000'),
    expect.stringContaining('CONFIG_INVALID "netwrk" (/c.yaml:6) is not a section'),
    expect.stringContaining('CONFIG_INVALID log.level (/c.yaml:7) is "loud"; accepted: trace, debug, info'),
    expect.stringContaining('CONFIG_INVALID status.port (environment OMADA_HOST_STATUS_PORT) is "none"'),
  ])
})

test('every fault has a remedy', () => {
  const text =
    'a: 1\nlog: 3\ncontroller: {image: "A B", memory: {heapMegabytes: 1}}\nnetwork: {controllerAddress: 1.1.1.1}'
  for (const { remedy } of faultsOf(text, { OMADA_HOST_X: '1' })) expect(remedy.length).toBeGreaterThan(10)
})

test('a grace below a minute is refused with the reason', () => {
  expect(messagesOf('controller: {stopGraceSeconds: 59.9}')).toEqual([
    expect.stringMatching(/is 59\.9; accepted: a number from 60 to 3600, because .*killed.*corrupts its database/),
  ])
})

test.each([
  ['controller: {image: "docker.io/mbentley/omada controller"}', 'controller.image'],
  ['controller: {image: UPPER/case:1}', 'controller.image'],
  ['controller: {stopGraceSeconds: .nan}', 'controller.stopGraceSeconds (/c.yaml:1) is NaN'],
  ['controller: {stopGraceSeconds: .inf}', 'is Infinity'],
  ['controller: {stopGraceSeconds: "120"}', 'is "120"'],
  ['controller: {cpus: 0}', 'controller.cpus'],
  ['controller: {cpus: }', 'controller.cpus (/c.yaml:1) has no value'],
  ['controller: {init: yes}', 'controller.init (/c.yaml:1) is "yes"; accepted: true or false'],
  ['controller: {dataVolume: ../up}', 'controller.dataVolume'],
  ['controller: {dataVolume: "/a:/b"}', 'controller.dataVolume'],
  ['controller: {dataVolume: "/srv/a,ro"}', 'controller.dataVolume'],
  ['controller: {certificateDirectory: "/etc/a,rw"}', 'controller.certificateDirectory'],
  ['controller: {timezone: Mars/Olympus}', 'controller.timezone (/c.yaml:1) is "Mars/Olympus"'],
  ['controller: {memory: some}', 'controller.memory (/c.yaml:1) is "some"; accepted: auto, off, or'],
  ['controller: {memory: {heapMegabytes: 1024}}', 'controller.memory.databaseCacheMegabytes (/c.yaml:1) is missing'],
  ['network: {subnet: 10.0.0.0/33}', 'network.subnet'],
  ['network: {subnet: 10.0.0.0/30}', 'network.subnet'],
  ['network: {subnet: "fd00::/64"}', 'network.subnet'],
  ['access: {devices: [192.0.2.0/33]}', 'access.devices[0] (/c.yaml:1) is "192.0.2.0/33"'],
  ['access: {devices: []}', 'access.devices (/c.yaml:1) is []'],
  ['access: {guests: some}', 'access.guests (/c.yaml:1) is "some"; accepted: any, or a list'],
  ['proxy: {ports: 8043}', 'proxy.ports (/c.yaml:1) is 8043; accepted: a list'],
  ['proxy: {ports: [0]}', 'proxy.ports[0] (/c.yaml:1) is 0'],
  ['proxy: {listen: "::1"}', 'proxy.listen'],
  ['images: {checkSchedule: "61 3 * * *"}', 'images.checkSchedule'],
  ['images: {checkSchedule: "*/5 * * * * *"}', 'images.checkSchedule'],
  ['images: {checkSchedule: daily}', 'images.checkSchedule'],
  ['- a list', 'the configuration (/c.yaml:1) is a list'],
  ['controller: none', 'controller (/c.yaml:1) is a text'],
])('%s is refused', (text, expected) => {
  expect(messagesOf(text)).toEqual([expect.stringContaining(expected)])
})

test('a secret is never quoted, not even when it is wrong', () => {
  const text = 'mongo: {uri: "http://u:hunter2@db"}\ncontroller: {environment: {PASSWORD: [hunter2]}}'
  const messages = messagesOf(text).join('\n')
  expect(messages).toContain('mongo.uri')
  expect(messages).toContain('controller.environment.PASSWORD')
  expect(messages).not.toContain('hunter2')
})

test.each([
  ['stopGraceSeconds: 90', 'controller.stopGraceSeconds'],
  ['controller: {stop_grace_seconds: 90}', 'controller.stopGraceSeconds'],
  ['controler: {}', 'controller'],
  ['discovery: {maxConnections: 3}', 'proxy.maxConnections'],
])('%s: the key that was meant is named', (text, meant) => {
  expect(messagesOf(text)).toEqual([expect.stringContaining(`did you mean ${meant}?`)])
  expect(faultsOf(text)[0]?.remedy).toBe(`write ${meant} instead`)
})

test('a name like nothing we know gets no guess', () => {
  expect(messagesOf('bananas: 1')[0]).not.toContain('did you mean')
})
