import { expect, test } from 'vitest'
import { load, messagesOf } from './faults.ts'

test.each([
  ['network: {controllerAddress: 10.0.0.1}', 'network.controllerAddress is 10.0.0.1, which is outside'],
  ['network: {controllerAddress: 10.129.81.0}', "is the network's own address"],
  ['network: {controllerAddress: 10.129.81.1}', "is the bridge's address"],
  ['network: {controllerAddress: 10.129.81.255}', 'is its broadcast address'],
  ['network: {subnet: 192.168.9.8/29, controllerAddress: 192.168.9.15}', 'is its broadcast address'],
  ['network: {subnet: 172.20.0.0/16}', 'network.controllerAddress is 10.129.81.10, which is outside'],
  ['proxy: {ports: [8043, 29814, 8043]}', 'proxy.ports lists 8043 more than once'],
  ['discovery: {ports: [29810, 29810]}', 'discovery.ports lists 29810 more than once'],
  ['status: {port: 8043}', 'status.port is 8043, which proxy.ports lists too'],
  ['proxy: {ports: [27217]}', 'proxy.ports lists 27217'],
  [
    'controller: {dataVolume: omada, logsVolume: omada}',
    'controller.dataVolume and controller.logsVolume are both omada',
  ],
  [
    'controller: {memory: {heapMegabytes: 1024, databaseCacheMegabytes: 512, limitMegabytes: 1024}}',
    'controller.memory.limitMegabytes is 1024, less than',
  ],
  ['controller: {environment: {MANAGE_HTTPS_PORT: "443"}}', 'controller.environment sets MANAGE_HTTPS_PORT'],
  ['controller: {environment: {UPGRADE_HTTPS_PORT: "8044"}}', 'controller.environment sets UPGRADE_HTTPS_PORT'],
  ['controller: {environment: {PORTAL_HTTP_PORT: "80"}}', 'controller.environment sets PORTAL_HTTP_PORT'],
  ['controller: {environment: {TZ: UTC}}', 'controller.environment sets TZ'],
])('%s is refused', (text, expected) => {
  expect(messagesOf(text)).toEqual([expect.stringContaining(`CONFIG_INVALID `)])
  expect(messagesOf(text)[0]).toContain(expected)
})

test('a remedy names addresses that would do', () => {
  expect(() => load('network: {subnet: 192.168.9.8/29, controllerAddress: 192.168.9.10}')).not.toThrow()
  expect(() => load('network: {subnet: 192.168.9.8/29, controllerAddress: 192.168.9.14}')).not.toThrow()
})

test('UDP and TCP may share a number', () => {
  expect(() => load('discovery: {ports: [29810, 8043]}')).not.toThrow()
})

test('a rule about a key that is wrong by itself is not run on its default', () => {
  expect(messagesOf('network: {subnet: nonsense, controllerAddress: 192.168.1.5}')).toHaveLength(1)
})

test.each(['docker.io/mbentley/omada-controller:latest', 'mbentley/omada-controller'])('%s is warned of', (image) => {
  expect(load(`controller: {image: "${image}"}`).warnings).toEqual([
    {
      code: 'IMAGE_TAG_LATEST',
      message: expect.stringContaining('latest stays on version 5'),
      remedy: expect.stringContaining('6.3'),
    },
  ])
})

test.each(['docker.io/mbentley/omada-controller:6.2', `mbentley/omada-controller@sha256:${'0'.repeat(64)}`])(
  '%s is not warned of',
  (image) => {
    expect(load(`controller: {image: "${image}"}`).warnings).toEqual([])
  },
)
