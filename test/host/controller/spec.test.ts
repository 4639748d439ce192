import { describe, expect, test } from 'vitest'
import { configSchema } from '../../../src/config/schema.ts'
import { bridgeName, desiredState, labels } from '../../../src/host/controller/spec.ts'
import { containerOptions, libpodNetworkOptions, networkOptions } from '../../../src/host/engine/create-options.ts'
import type { CgroupLayout } from '../../../src/host/engine/runtime.ts'
import type { MachineNames } from '../../../src/linux/name-servers.ts'

const unified: CgroupLayout = { mode: 'unified', unifiedControllers: ['memory', 'pids'] }

const desired = (
  config: object = {},
  version = '1.0.0',
  kind: 'podman' | 'docker' = 'podman',
  memoryLimit = true,
  names: MachineNames = { servers: ['192.0.2.53'], served: false },
  cgroups: CgroupLayout = unified,
) => {
  const parsed = configSchema.parse(config)
  return desiredState({
    config: parsed,
    chosen: { ...config },
    stopGraceSeconds: parsed.controller.stopGraceSeconds,
    machine: { kernel: '6.12.1', architecture: 'amd64', memoryMegabytes: 4096, timezone: 'Europe/Berlin', cgroups },
    engine: { kind, memoryLimit, processLimit: memoryLimit },
    names,
    version,
    certificateSource: '/run/omada-host-certificate',
  })
}
const hash = (...args: Parameters<typeof desired>) => desired(...args).container.labels[labels.spec]

describe('the container', () => {
  test('is as the image and both engines want it', () => {
    const body = containerOptions(
      desired({ controller: { certificateDirectory: '/etc/cert', cpus: 1.5 } }).container,
      'podman',
    )
    expect(body).toMatchObject({
      name: 'omada-controller',
      Image: 'docker.io/mbentley/omada-controller:6.3',
      Healthcheck: { Test: ['NONE'] },
      StopSignal: 'SIGTERM',
      StopTimeout: 120,
      HostConfig: {
        Mounts: [
          { Type: 'volume', Source: 'omada-data', Target: '/opt/tplink/EAPController/data', ReadOnly: false },
          { Type: 'volume', Source: 'omada-logs', Target: '/opt/tplink/EAPController/logs', ReadOnly: false },
          { Type: 'bind', Source: '/run/omada-host-certificate', Target: '/cert', ReadOnly: true },
        ],
        NetworkMode: 'omada',
        RestartPolicy: { Name: 'no' },
        Ulimits: [
          { Name: 'nofile', Soft: 4096, Hard: 8192 },
          { Name: 'nproc', Soft: 4096, Hard: 4096 },
        ],
        LogConfig: { Type: 'k8s-file', Config: { 'max-size': '20m' } },
        NanoCpus: 1_500_000_000,
        Memory: 3584 * 1024 * 1024,
        CapDrop: ['ALL'],
        CapAdd: ['CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'SETGID', 'SETUID'],
        SecurityOpt: ['no-new-privileges'],
        Sysctls: { 'net.ipv4.ip_unprivileged_port_start': '0' },
        PidsLimit: 8192,
      },
      NetworkingConfig: { EndpointsConfig: { omada: { IPAMConfig: { IPv4Address: '10.129.81.10' } } } },
    })
    expect(body.Env).toContain('TZ=Europe/Berlin')
    expect(body.HostConfig).not.toHaveProperty('Runtime')
    expect(body.HostConfig).not.toHaveProperty('Init')
    expect(JSON.stringify(body)).not.toMatch(/PortBindings|ExposedPorts|PublishAllPorts/)
  })

  test("follows Docker's ways on Docker", () => {
    const { container } = desired({ engine: { runtime: 'youki' }, controller: { init: true } }, '1', 'docker')
    expect(containerOptions(container, 'docker').HostConfig).toMatchObject({
      Runtime: 'youki',
      Init: true,
      LogConfig: { Type: 'json-file' },
    })
  })

  test('has an init that may hand the stop on to the user of the controller', () => {
    const { HostConfig } = containerOptions(desired({ controller: { init: true } }).container, 'podman')
    expect(HostConfig).toMatchObject({ Init: true, CapAdd: expect.arrayContaining(['KILL']) })
  })

  test('has no limit of memory or processes where the engine can keep none', () => {
    const { container } = desired({}, '1', 'podman', false)
    expect(container).not.toHaveProperty('memoryMegabytes')
    expect(containerOptions(container, 'podman').HostConfig).not.toHaveProperty('PidsLimit')
    const without: CgroupLayout = { mode: 'unified', unifiedControllers: ['memory'] }
    expect(desired({}, '1', 'podman', true, undefined, without).container).not.toHaveProperty('processLimit')
    const old: CgroupLayout = { mode: 'hybrid', unifiedControllers: [] }
    expect(desired({}, '1', 'podman', true, undefined, old).container).toHaveProperty('processLimit')
    expect(container.environment.JAVA_MAX_HEAP_SIZE).toBeDefined()
  })

  test("takes the configuration's time zone before the machine's", () => {
    expect(desired({ controller: { timezone: 'Asia/Tokyo' } }).container.environment.TZ).toBe('Asia/Tokyo')
  })

  test('is refused on a machine that is too small', () => {
    const machine = { kernel: '', architecture: 'amd64', memoryMegabytes: 900, timezone: 'UTC', cgroups: unified }
    const config = configSchema.parse({})
    const engine = { kind: 'podman' as const, memoryLimit: true, processLimit: true }
    expect(() =>
      desiredState({
        config,
        chosen: {},
        stopGraceSeconds: 120,
        machine,
        engine,
        names: { servers: [], served: false },
        version: '1',
        certificateSource: '/run/omada-host-certificate',
      }),
    ).toThrow(expect.objectContaining({ code: 'MEMORY_LOW' }))
  })
})

describe('the hash of the specification', () => {
  test.each<[string, object]>([
    ['image', { controller: { image: 'docker.io/mbentley/omada-controller:6.4' } }],
    ['volume', { controller: { dataVolume: '/srv/omada' } }],
    ['environment', { controller: { environment: { A: '1' } } }],
    ['memory', { controller: { memory: 'off' } }],
    ['database', { mongo: { uri: 'mongodb://u:secret@db/omada' } }],
    ['address', { network: { controllerAddress: '10.129.81.11' } }],
    ['subnet', { network: { subnet: '10.129.80.0/23' } }],
    ['init', { controller: { init: true } }],
  ])('changes with: %s', (_, config) => {
    expect(hash(config)).not.toBe(hash())
  })

  test.each<[string, Parameters<typeof desired>]>([
    ["this program's version", [{}, '9.9.9']],
    ['the grace', [{ controller: { stopGraceSeconds: 300 } }]],
    ['the ports that the edge serves', [{ proxy: { ports: [8043] } }]],
    ['the pull policy', [{ controller: { pull: 'always' } }]],
    ['the order of variables', [{ controller: { environment: {} } }]],
    ['the name servers', [{}, '1.0.0', 'podman', true, { servers: ['127.0.0.1'], served: true }]],
  ])('does not change with: %s', (_, args) => {
    expect(hash(...args)).toBe(hash())
  })

  test('is the same for variables in another order', () => {
    const inOrder = (environment: object) => hash({ controller: { environment } })
    expect(inOrder({ A: '1', B: '2' })).toBe(inOrder({ B: '2', A: '1' }))
  })

  test('tells no secret, and the version is beside it', () => {
    const { container } = desired({ mongo: { uri: 'mongodb://u:hunter2@db/omada' } })
    expect(JSON.stringify(container.labels)).not.toContain('hunter2')
    for (const label of [labels.spec, labels.chosen]) expect(container.labels[label]).toMatch(/^[0-9a-f]{64}$/)
    expect(container.labels[labels.settings]).toMatch(/^\{("[\w.]+":"[0-9a-f]{12}",?)+\}$/)
    expect(container.labels[labels.version]).toBe('1.0.0')
  })
})

describe('names', () => {
  const itself = ['127.0.0.1', '::1']
  test.each<[string, 'podman' | 'docker', MachineNames, { nameServer: boolean; dns?: string[] }]>([
    ['are asked of whom the machine asks', 'podman', { servers: ['192.0.2.53'], served: false }, { nameServer: false }],
    ['also beside a Pi-hole', 'podman', { servers: ['127.0.0.1', '192.0.2.53'], served: true }, { nameServer: false }],
    [
      'of the machine, where it asks only itself',
      'podman',
      { servers: itself, served: true },
      { nameServer: false, dns: ['10.129.81.1'] },
    ],
    [
      'of Podman, where that listens on the loopback alone',
      'podman',
      { servers: itself, served: false },
      { nameServer: true },
    ],
    ['nowhere, where the machine asks nobody', 'podman', { servers: [], served: true }, { nameServer: false }],
    ['of Docker', 'docker', { servers: itself, served: true }, { nameServer: false }],
  ])('%s', (_, kind, machine, { nameServer, dns }) => {
    const { container, network } = desired({}, '1', kind, true, machine)
    expect(libpodNetworkOptions(network)).toMatchObject({ dns_enabled: nameServer })
    expect(containerOptions(container, kind).HostConfig?.Dns).toEqual(dns)
  })
})

test('the network has its subnet and a bridge of a known name', () => {
  expect(libpodNetworkOptions(desired().network)).toMatchObject({
    name: 'omada',
    driver: 'bridge',
    network_interface: 'br-omada',
    subnets: [{ subnet: '10.129.81.0/24' }],
    labels: { [labels.version]: '1.0.0' },
  })
  expect(networkOptions(desired().network)).toMatchObject({
    Name: 'omada',
    Driver: 'bridge',
    IPAM: { Config: [{ Subnet: '10.129.81.0/24' }] },
    Options: { 'com.docker.network.bridge.name': 'br-omada' },
  })
  expect(bridgeName('a-very-long-network-name')).toHaveLength(15)
})
