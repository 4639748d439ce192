import type { ContainerInspectInfo, NetworkInspectInfo } from 'dockerode'
import { describe, expect, test } from 'vitest'
import { engineError } from '../../../src/host/engine/errors.ts'
import {
  engineContainer,
  engineInfo,
  engineNetwork,
  engineReference,
  libpodNetwork,
} from '../../../src/host/engine/facts.ts'
import { runtimeWorks } from '../../../src/host/engine/runtime.ts'
import { serviceRuntime } from '../../../src/host/engine/service.ts'

const podman = (Version: string) => ({
  Version,
  ApiVersion: '1.41',
  Components: [{ Name: 'Podman Engine' }],
})
const docker = (Version: string, ApiVersion: string) => ({
  Version,
  ApiVersion,
  Components: [{ Name: 'Engine' }],
})

describe('the engine', () => {
  test('is told apart', () => {
    expect(
      engineInfo(podman('4.3.1'), { MemoryLimit: true, CgroupVersion: '2', DefaultRuntime: 'crun' }, '/s'),
    ).toEqual({
      kind: 'podman',
      version: '4.3.1',
      socket: '/s',
      defaultRuntime: 'crun',
      storageDirectory: '/var/lib',
      cgroupVersion: '2',
      memoryLimit: true,
      cpuLimit: false,
      processLimit: false,
    })
    expect(engineInfo(docker('28.1.0', '1.49'), {}, '/s')).toMatchObject({ kind: 'docker', version: '28.1.0' })
  })

  test.each([podman('4.2.9'), podman('3.4.4'), docker('19.03.1', '1.40')])('is too old: %j', (version) => {
    expect(() => engineInfo(version, {}, '/s')).toThrow(expect.objectContaining({ code: 'ENGINE_TOO_OLD' }))
  })

  test.each([podman('4.3.0'), podman('5.0.0'), podman('10.1.0'), podman('4.9.4-rhel'), docker('20.10.0', '1.41')])(
    'is new enough: %j',
    (version) => {
      expect(() => engineInfo(version, {}, '/s')).not.toThrow()
    },
  )
})

test.each([
  ['mbentley/omada-controller:6.2', 'docker.io/mbentley/omada-controller:6.2'],
  ['127.0.0.1:5000/a/b', '127.0.0.1:5000/a/b:latest'],
  [`docker.io/a/b:1@sha256:${'a'.repeat(64)}`, `docker.io/a/b@sha256:${'a'.repeat(64)}`],
  ['b'.repeat(64), 'b'.repeat(64)],
])('the reference %s is for engines %s', (text, expected) => {
  expect(engineReference(text)).toBe(expected)
})

describe('a network is known with its bridge', () => {
  const id = '0123456789abcdef0123'
  const raw = (options?: Record<string, string>) =>
    ({
      ...{ Id: id, Driver: 'bridge', Options: options, Labels: { a: 'b' } },
      IPAM: { Config: [{ Subnet: 'fd00::/64' }, { Subnet: '10.129.81.0/24' }] },
    }) as unknown as NetworkInspectInfo

  test.each([
    ['that we named', { 'com.docker.network.bridge.name': 'br-omada' }, 'br-omada'],
    ['that Docker named', {}, 'br-0123456789ab'],
    ['of a network without options', undefined, 'br-0123456789ab'],
  ])('with Docker, %s', (_, options, bridge) => {
    const known = { driver: 'bridge', labels: { a: 'b' }, bridge, subnet: '10.129.81.0/24' }
    expect(engineNetwork(raw(options))).toEqual(known)
  })

  test('with Podman', () => {
    const subnets = [{ subnet: 'fd00::/64' }, { subnet: '10.129.81.0/24' }]
    expect(libpodNetwork({ driver: 'bridge', network_interface: 'podman1', subnets, labels: null })).toEqual({
      ...{ driver: 'bridge', labels: {}, bridge: 'podman1', subnet: '10.129.81.0/24' },
    })
    expect(libpodNetwork({ driver: 'macvlan', network_interface: '' })).toEqual({ driver: 'macvlan', labels: {} })
  })
})

describe('a container', () => {
  const raw = (networks: object | null, state: object = {}) =>
    ({
      Id: 'c1',
      Image: 'sha256:i1',
      Config: { Labels: null },
      Mounts: null,
      State: { Status: 'exited', StartedAt: '0001-01-01T00:00:00Z', ExitCode: 3, OOMKilled: false, Pid: 0, ...state },
      NetworkSettings: { SandboxKey: '', Networks: networks },
    }) as unknown as ContainerInspectInfo

  test('that was never started, with null where Docker has nothing to tell', () => {
    expect(engineContainer(raw(null))).toEqual({
      id: 'c1',
      imageId: 'i1',
      status: 'exited',
      labels: {},
      exitCode: 3,
      outOfMemory: false,
      mounts: [],
      networks: [],
    })
  })

  test('has its address and its process while it runs', () => {
    const running = raw({ omada: { IPAddress: '10.129.81.10' } }, { Status: 'running', Pid: 7 })
    expect(engineContainer(running)).toMatchObject({ address: '10.129.81.10', networks: ['omada'], pid: 7 })
    expect(engineContainer(raw({ omada: { IPAddress: '' } }))).not.toHaveProperty('address')
  })

  test('with a status that nobody knows is on its way somewhere', () => {
    expect(engineContainer(raw({}, { Status: 'stopping' })).status).toBe('transient')
  })
})

describe('an error of the engine', () => {
  const system = (code: string) => Object.assign(new Error(code), { code })
  const answer = (text: string) =>
    Object.assign(new Error(`(HTTP code 500) server error - ${text} `), { statusCode: 500 })
  test.each<[Error, string]>([
    [system('ENOENT'), 'ENGINE_UNREACHABLE'],
    [system('ECONNREFUSED'), 'ENGINE_UNREACHABLE'],
    [system('ECONNRESET'), 'ENGINE_UNREACHABLE'],
    [new Error('socket hang up'), 'ENGINE_UNREACHABLE'],
    [system('EACCES'), 'ENGINE_PERMISSION'],
    [answer('crun: cgroups in hybrid mode not supported, drop all controllers: OCI runtime error'), 'ENGINE_RUNTIME'],
    [answer('creating file: no space left on device'), 'DISK_FULL'],
    [answer('container state improper'), 'ENGINE_REQUEST'],
  ])('%s', (error, code) => {
    const mapped = engineError(error, 'start the container', '/run/x.sock')
    expect(mapped).toMatchObject({ code })
    expect(mapped.message).toMatch(/^cannot start the container: /)
    expect(mapped.message).not.toContain('HTTP code')
  })
})

describe('the runtime', () => {
  const hybrid = { mode: 'hybrid' as const, unifiedControllers: ['hugetlb'] }
  const unified = { mode: 'unified' as const, unifiedControllers: ['cpu'] }
  test('crun works but for hybrid cgroups with controllers in v2', () => {
    expect(runtimeWorks('crun', unified)).toBe(true)
    expect(runtimeWorks('/usr/bin/crun', hybrid)).toBe(false)
    expect(runtimeWorks('crun', { mode: 'hybrid', unifiedControllers: [] })).toBe(true)
    expect(runtimeWorks('runc', hybrid)).toBe(true)
  })

  test('of our own service is the configured one, else one that works', () => {
    expect(serviceRuntime('youki', hybrid)).toBe('youki')
    expect(serviceRuntime(undefined, hybrid)).toBe('runc')
    expect(serviceRuntime(undefined, unified)).toBeUndefined()
  })
})
