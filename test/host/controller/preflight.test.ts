import { describe, expect, test } from 'vitest'
import { configSchema } from '../../../src/config/schema.ts'
import { parseIpv4Network } from '../../../src/core/cidr.ts'
import { type PreflightFacts, preflight } from '../../../src/host/controller/preflight.ts'
import type { EngineInfo } from '../../../src/host/engine/engine.ts'
import { machine } from './fixture.ts'

const engine: EngineInfo = {
  kind: 'podman',
  version: '4.3.1',
  socket: '/run/podman/podman.sock',
  defaultRuntime: 'crun',
  storageDirectory: '/var/lib/containers',
  cgroupVersion: '2',
  memoryLimit: true,
  cpuLimit: true,
  processLimit: true,
}
const route = (cidr: string, name = 'eth0') => {
  const network = parseIpv4Network(cidr)
  if (network === undefined) throw new Error(cidr)
  return { ...network, interface: name, metric: 0 }
}
const codes = ({ config = {}, ...facts }: { config?: object } & Partial<Omit<PreflightFacts, 'config'>> = {}) =>
  preflight({
    config: configSchema.parse(config),
    engine,
    machine,
    routes: [route('0.0.0.0/0'), route('192.168.1.0/24')],
    freeMegabytes: 50_000,
    imagePresent: false,
    networkPresent: false,
    ...facts,
  }).map(({ code }) => code)

test('a good machine has no faults', () => {
  expect(codes()).toEqual([])
})

describe('processor', () => {
  const v5 = { controller: { image: 'docker.io/mbentley/omada-controller:5.15' } }
  test.each<[string, string, string[], object, string[]]>([
    ['amd64 without AVX', 'amd64', ['sse4_2', 'avx512f'], {}, ['CPU_UNSUPPORTED']],
    ['amd64 with AVX', 'amd64', ['avx'], {}, []],
    ['amd64 without AVX for v5', 'amd64', ['sse4_2'], v5, []],
    ['amd64 without AVX and an external database', 'amd64', ['sse4_2'], { mongo: { uri: 'mongodb://db/omada' } }, []],
    ['a Pi 4', 'arm64', ['fp', 'asimd', 'evtstrm', 'crc32', 'cpuid'], {}, ['CPU_UNSUPPORTED']],
    ['a Pi 5', 'arm64', ['fp', 'asimd', 'aes', 'atomics', 'fphp', 'asimdhp', 'asimddp'], {}, []],
    ['one that tells nothing', 'arm64', [], {}, []],
  ])('%s', (_, architecture, flags, config, expected) => {
    expect(codes({ config, machine: { ...machine, architecture, cpuFlags: new Set(flags) } })).toEqual(expected)
  })
})

describe('subnet', () => {
  test.each<[string, Partial<PreflightFacts>, string[]]>([
    ['the LAN is the same', { routes: [route('10.129.81.0/24')] }, ['SUBNET_CLASH']],
    ['the LAN is around it', { routes: [route('10.128.0.0/9')] }, ['SUBNET_CLASH']],
    ['a VPN is inside it', { routes: [route('10.129.81.128/28', 'tun0')] }, ['SUBNET_CLASH']],
    ['a VPN takes everything in halves', { routes: [route('0.0.0.0/1', 'tun0'), route('128.0.0.0/1', 'tun0')] }, []],
    ['our own bridge', { routes: [route('10.129.81.0/24', 'br-omada')] }, []],
    ["an existing network's own route", { routes: [route('10.129.81.0/24', 'podman3')], networkPresent: true }, []],
    ['a wider route beside it', { routes: [route('10.129.0.0/16')], networkPresent: true }, ['SUBNET_CLASH']],
  ])('%s', (_, facts, expected) => {
    expect(codes(facts)).toEqual(expected)
  })
})

describe('runtime', () => {
  const hybrid = { ...machine, cgroups: { mode: 'hybrid' as const, unifiedControllers: ['hugetlb'] } }
  test.each<[string, object, Partial<PreflightFacts>, string[]]>([
    ['crun with hybrid cgroups', {}, { machine: hybrid }, ['ENGINE_RUNTIME']],
    ['runc with hybrid cgroups', {}, { machine: hybrid, engine: { ...engine, defaultRuntime: 'runc' } }, []],
    [
      'crun where v2 holds no controller',
      {},
      { machine: { ...hybrid, cgroups: { mode: 'hybrid', unifiedControllers: [] } } },
      [],
    ],
    ["Podman's own, by name", { engine: { runtime: 'crun' } }, {}, []],
    ["Podman's own, by path", { engine: { runtime: '/usr/bin/crun' } }, {}, []],
    ["not Podman's own, which its API cannot choose", { engine: { runtime: 'runc' } }, {}, ['ENGINE_RUNTIME']],
    [
      "not Docker's own, which its API can choose",
      { engine: { runtime: 'crun' } },
      { engine: { ...engine, kind: 'docker', defaultRuntime: 'runc' } },
      [],
    ],
  ])('%s', (_, config, facts, expected) => {
    expect(codes({ config, ...facts })).toEqual(expected)
  })
})

describe('limits', () => {
  const bare = { ...engine, memoryLimit: false, cpuLimit: false }
  test.each<[string, object, string[]]>([
    ['auto needs no controller', {}, []],
    ['cpus', { controller: { cpus: 2 } }, ['ENGINE_NO_CPU_LIMIT']],
    [
      'a memory limit',
      { controller: { memory: { heapMegabytes: 512, databaseCacheMegabytes: 256, limitMegabytes: 2048 } } },
      ['ENGINE_NO_MEMORY_LIMIT'],
    ],
    ['heap and cache alone', { controller: { memory: { heapMegabytes: 512, databaseCacheMegabytes: 256 } } }, []],
  ])('without controllers: %s', (_, config, expected) => {
    expect(codes({ config, engine: bare })).toEqual(expected)
  })
})

test.each([
  [4095, false, ['DISK_FULL']],
  [4096, false, []],
  [511, true, ['DISK_FULL']],
  [512, true, []],
  [undefined, false, []],
])('disk: %s MB free, image there: %s', (freeMegabytes, imagePresent, expected) => {
  expect(codes({ freeMegabytes, imagePresent })).toEqual(expected)
})

test('the data on a disk of their own need room there; on one disk with the images it is told once', () => {
  const data = (freeMegabytes: number) => ({ data: { path: '/srv/omada', freeMegabytes }, imagePresent: true })
  expect(codes(data(512))).toEqual([])
  expect(codes(data(511))).toEqual(['DISK_FULL'])
  expect(codes({ ...data(300), freeMegabytes: 300 })).toEqual(['DISK_FULL'])
})

test("a VPN's rule that takes the container's network is told before anything is made", () => {
  const containerWay = {
    bridge: 'br-omada',
    bridgeThere: false,
    way: { interface: 'wg0', table: '100', route: 'default' },
    rules: [{ priority: 100, table: '100', destination: undefined, narrowed: false, suppressed: -1 }],
  }
  expect(codes({ containerWay })).toEqual(['SUBNET_ROUTED'])
  // Once is enough.
  expect(codes({ containerWay, routes: [route('10.129.81.0/24', 'wg0')] })).toEqual(['SUBNET_CLASH'])
})

test('all faults are told at once, each with a remedy', () => {
  const faults = preflight({
    config: configSchema.parse({ controller: { cpus: 1 } }),
    engine: { ...engine, cpuLimit: false },
    machine: { ...machine, cpuFlags: new Set(['x']) },
    routes: [route('10.129.81.0/24')],
    freeMegabytes: 1,
    imagePresent: false,
    networkPresent: false,
  })
  expect(faults.map(({ code }) => code)).toEqual([
    'ENGINE_NO_CPU_LIMIT',
    'CPU_UNSUPPORTED',
    'SUBNET_CLASH',
    'DISK_FULL',
  ])
  expect(faults.every(({ remedy }) => remedy.length > 10)).toBe(true)
})

test.each([
  ['the LAN is the same', ['10.129.81.0/24'], '10.211.81.0/24', '10.211.81.10'],
  ['the LAN is all of 10', ['10.0.0.0/8'], '172.30.81.0/24', '172.30.81.10'],
  ['a VPN has the rest', ['10.0.0.0/8', '172.16.0.0/12'], '192.168.240.0/24', '192.168.240.10'],
])('where %s, the remedy is a configuration that clashes with nothing', (_, lan, subnet, controllerAddress) => {
  const routes = ['0.0.0.0/0', '0.0.0.0/1', ...lan].map((cidr) => route(cidr))
  const facts = (network: object) => ({
    config: configSchema.parse({ network }),
    engine,
    machine,
    routes,
    freeMegabytes: 50_000,
    imagePresent: false,
    networkPresent: false,
  })
  const [fault] = preflight(facts({}))
  expect(fault?.remedy).toContain(`network.subnet to ${subnet} and network.controllerAddress to ${controllerAddress},`)
  expect(preflight(facts({ subnet, controllerAddress }))).toEqual([])
})
