import { describe, expect, test } from 'vitest'
import type { Route } from '../../../src/network/routes.ts'
import { appliance, forever, started, up } from './fixture.ts'

describe('a fresh machine', () => {
  test('gets image, network and container, in that order', async () => {
    const { engine, clock, lifecycle, reconciler, snapshots, config } = await started()
    await clock.until(() => lifecycle() === 'starting')
    expect(engine.calls).toEqual(['pull', 'create-network', 'create', 'start'])
    expect(reconciler.snapshot()).toMatchObject({
      facts: {
        image: config.controller.image,
        digest: 'sha256:1',
        containerId: 'container-1',
        address: '10.129.81.10',
      },
      sandboxKey: '/run/netns/x',
      warnings: [],
    })
    expect(snapshots.find(({ facts }) => facts.pull !== undefined)).toMatchObject({
      lifecycle: 'pulling',
      facts: { pull: { attempt: 1 } },
    })
    expect(snapshots.some(({ facts }) => facts.pull?.total === 10 && facts.pull.current === 5)).toBe(true)
    expect(reconciler.snapshot().facts.pull).toBeUndefined()
  })

  test('with a kernel that makes the database crash is told so before the pull, and worked around', async () => {
    const { engine, clock, lifecycle, reconciler, snapshots, name } = await started({ machine: { kernel: '6.19.2' } })
    await clock.until(() => lifecycle() === 'starting')
    const codes = snapshots.map(({ lifecycle, warnings }) => [lifecycle, ...warnings.map(({ code }) => code)])
    expect(codes).toContainEqual(['pulling', 'KERNEL_DATABASE'])
    expect(reconciler.snapshot().warnings).toMatchObject([{ code: 'KERNEL_DATABASE' }])
    expect(engine.specs.get(name)?.environment.GLIBC_TUNABLES).toBe('glibc.pthread.rseq=1')
  })

  test('is told ready by the probes: starting becomes running', async () => {
    const { clock, lifecycle, ready } = await started()
    await clock.until(() => lifecycle() === 'starting')
    ready.now = true
    await clock.until(() => lifecycle() === 'running', 100)
  })
})

describe('the next start of the appliance', () => {
  test('attaches to what runs', async () => {
    const first = await started()
    await first.clock.until(() => first.lifecycle() === 'starting')
    await first.reconciler.stop()
    const calls = [...first.engine.calls]
    const second = await started({ engine: first.engine })
    await second.clock.until(() => second.lifecycle() === 'starting')
    expect(second.engine.calls).toEqual(calls)
    expect(second.reconciler.snapshot().facts.containerId).toBe('container-1')
  })

  test('recreates what the configuration changed, with the new image first and the grace', async () => {
    const first = await started()
    await first.clock.until(() => first.lifecycle() === 'starting')
    await first.reconciler.stop()
    first.engine.calls.length = 0
    const image = 'docker.io/mbentley/omada-controller:6.4'
    first.engine.registry.set(image, { id: 'image-2', architecture: 'amd64', digests: ['sha256:2'] })
    const chosen = { 'controller.image': image }
    const config = { controller: { image, stopGraceSeconds: 90 } }
    const second = await started({ engine: first.engine, chosen, config })
    await second.clock.until(() => second.reconciler.snapshot().facts.containerId === 'container-2', 10)
    expect(second.engine.calls.slice(0, 4)).toEqual(['pull', 'stop 90', 'remove', 'create'])
  })

  test('leaves alone what runs with an image and a network that nobody chose, and that the record does not know any more', async () => {
    const first = await started({ config: { controller: { image: 'docker.io/mbentley/omada-controller:6.3' } } })
    await first.clock.until(() => first.lifecycle() === 'starting')
    await first.reconciler.stop()
    first.engine.calls.length = 0
    const image = 'docker.io/mbentley/omada-controller:6.4'
    const second = await started({
      engine: first.engine,
      config: { controller: { image }, network: { subnet: '10.211.81.0/24', controllerAddress: '10.211.81.10' } },
    })
    await second.clock.until(() => second.reconciler.snapshot().warnings.length > 0, 10)
    expect(second.reconciler.snapshot().warnings).toMatchObject([
      {
        code: 'CONTAINER_OUTDATED',
        message: expect.stringContaining('the image docker.io/mbentley/omada-controller:6.4'),
      },
    ])
    expect(second.engine.calls).toEqual([])
  })

  test('of another version attaches to what runs, says what a restart changes, and changes it then', async () => {
    const first = await up()
    await first.reconciler.stop()
    const config = { controller: { environment: { PUID: '509' }, memory: 'off', image: first.config.controller.image } }
    const second = await started({ engine: first.engine, config, version: '2.0.0' })
    await second.clock.until(() => second.lifecycle() === 'starting')
    const told = () => second.reconciler.snapshot().warnings
    expect(told()).toEqual([
      {
        code: 'CONTAINER_OUTDATED',
        message: expect.stringMatching(
          /omada-host 1\.0\.0 made; made anew by 2\.0\.0 .*: its memory limit, .*the variable PUID/,
        ),
        remedy: expect.stringMatching(/^omada-host restart/),
      },
    ])
    second.ready.now = true
    await second.clock.until(() => second.lifecycle() === 'running', 100)
    expect(second.engine.calls).toEqual([])
    await second.reconciler.requestRestart(forever)
    expect(second.engine.calls).toEqual(['stop 120', 'remove', 'create', 'start'])
    expect(told()).toEqual([])
  })

  test('of another version takes over at once what the user changed', async () => {
    const first = await up({ chosen: { 'controller.cpus': 1 } })
    await first.reconciler.stop()
    const second = await started({
      ...{ engine: first.engine, version: '2.0.0' },
      ...{ chosen: { 'controller.cpus': 2 }, config: { controller: { cpus: 2 } } },
    })
    await second.clock.until(() => second.reconciler.snapshot().facts.containerId === 'container-2', 10)
    expect(second.engine.calls).toEqual(['stop 120', 'remove', 'create', 'start'])
  })

  test('leaves what runs alone when its successor cannot be had, and says so', async () => {
    const first = await started()
    await first.clock.until(() => first.lifecycle() === 'starting')
    await first.reconciler.stop()
    first.engine.calls.length = 0
    const second = await started({
      engine: first.engine,
      chosen: { 'controller.image': 'docker.io/mbentley/omada-controller:6.9' },
      config: { controller: { image: 'docker.io/mbentley/omada-controller:6.9' } },
    })
    await second.clock.until(() => second.reconciler.snapshot().warnings.length > 0, 10)
    expect(second.reconciler.snapshot()).toMatchObject({
      lifecycle: 'starting',
      warnings: [{ code: 'IMAGE_NOT_FOUND' }],
    })
    for (let round = 0; round < 50; round += 1)
      await second.clock.until(() => true, 0).then(() => second.clock.advance(10_000))
    expect(second.engine.calls).toEqual(['pull'])
  })
})

describe('what is not ours or not possible', () => {
  test('a container of that name is left untouched', async () => {
    const all = appliance()
    all.engine.containers.set(all.name, {
      id: 'foreign',
      status: 'running',
      imageId: 'x',
      labels: {},
      exitCode: 0,
      outOfMemory: false,
      mounts: [],
      networks: [],
    })
    await all.reconciler.start(forever)
    await all.clock.until(() => all.lifecycle() === 'failed')
    expect(all.reconciler.snapshot().reason.code).toBe('CONTAINER_NAME_TAKEN')
    expect(all.reconciler.snapshot().facts.containerId).toBeUndefined()
    await all.reconciler.requestStop(forever)
    expect(all.engine.calls).toEqual([])
  })

  test('a preflight fault comes before any pull, and heals by itself', async () => {
    let free = 10
    const { engine, clock, lifecycle, reconciler } = await started({ machine: { freeMegabytes: async () => free } })
    await clock.until(() => lifecycle() === 'failed')
    expect(reconciler.snapshot().reason.code).toBe('DISK_FULL')
    expect(engine.calls).toEqual([])
    free = 50_000
    await clock.until(() => lifecycle() === 'starting', 1000)
  })

  test('a processor without AVX is told before the pull', async () => {
    const { engine, clock, lifecycle, reconciler } = await started({ machine: { cpuFlags: new Set(['fpu']) } })
    await clock.until(() => lifecycle() === 'failed')
    expect(reconciler.snapshot().reason.code).toBe('CPU_UNSUPPORTED')
    expect(engine.calls).toEqual([])
  })

  test('a wider route keeps the network from being made, not from being used when it is there already', async () => {
    const routes: Route[] = []
    const { engine, clock, lifecycle, reconciler } = await started({ machine: { routes: async () => routes } })
    await clock.until(() => lifecycle() === 'starting')
    // A VPN that came later; the container is started anew, as at a boot.
    routes.push({ base: 10 * 2 ** 24, prefix: 8, interface: 'wg0', metric: 0 })
    await reconciler.requestStop(forever)
    await reconciler.requestStart(forever)
    expect(lifecycle()).toBe('starting')
    await reconciler.requestStop(forever)
    engine.networks.clear()
    await expect(reconciler.requestStart(forever)).rejects.toMatchObject({ code: 'SUBNET_CLASH' })
  })

  test('a container that does not start is not kept', async () => {
    const all = appliance()
    all.engine.startFault = { code: 'ENGINE_RUNTIME', message: 'crun: no', remedy: '-' }
    await all.reconciler.start(forever)
    await all.clock.until(() => all.lifecycle() === 'failed')
    expect(all.engine.containers.size).toBe(0)
    all.engine.startFault = undefined
    await all.clock.until(() => all.lifecycle() === 'starting', 1000)
  })
})
