import { afterEach, describe, expect, test } from 'vitest'
import { Child } from '../support/child.ts'
import { eventually } from '../support/eventually.ts'
import { processesIn } from './support/processes.ts'
import { Registry } from './support/registry.ts'
import { reportFailures } from './support/report-failures.ts'
import { TestHost, type TestHostOptions } from './support/test-host.ts'

describe('what can be wrong around the appliance is told, and mended without a restart', () => {
  let host: TestHost | undefined
  const open = async (options: TestHostOptions) => {
    host = await TestHost.open(options)
    reportFailures(host)
    return host
  }
  afterEach(async () => {
    await host?.close()
    host = undefined
  })

  const image = (tag: string) => ({
    controller: { image: `${Registry.address}/${Registry.repository}:${tag}`, pull: 'missing' },
  })

  test('a tag that the registry does not have', async () => {
    const { appliance, registry, outpost } = await open({ imageStored: false, config: image('9.9') })
    await registry.start()
    await registry.push('6.2')
    await appliance.start()
    const { reason } = await eventually(
      () => appliance.hostState(),
      (state) => state.reason.code === 'IMAGE_NOT_FOUND',
    )
    expect(reason.message).toContain(`${Registry.address}/${Registry.repository}:9.9`)
    expect(reason.remedy).toBeTruthy()
    const readyz = await eventually(
      () => outpost.call('http', { url: 'http://127.0.0.1:8090/readyz' }),
      (answer) => answer.status === 503 && answer.body.includes('IMAGE_NOT_FOUND'),
    )
    expect(readyz.body).not.toContain(Registry.repository)
    expect(await appliance.stop('SIGINT')).toEqual({ code: 0, signal: null })
  })

  test('a registry that is down, and then is there', async () => {
    const { appliance, registry } = await open({ imageStored: false, config: image('6.2') })
    await registry.start()
    await registry.push('6.2')
    await registry.stop()
    await appliance.start()
    const { reason } = await eventually(
      () => appliance.hostState(),
      (state) => state.reason.code === 'REGISTRY_UNREACHABLE',
    )
    expect(reason.message).toContain(Registry.address)
    await registry.start()
    await appliance.phase('ready', 120_000)
  })

  test('a port that another process holds is named with it, and taken when it is free', async () => {
    const { appliance, ledger, namespace, outpost } = await open({})
    const script = "require('net').createServer().listen(8043, '::', () => console.log('listening'))"
    const holder = await Child.start(ledger, {
      what: 'holder of 8043',
      argv: namespace.enter([process.execPath, '-e', script]),
    })
    await holder.line((line) => line === 'listening' || undefined, 10_000)
    await appliance.start()
    await appliance.phase('ready', 90_000)
    const port = async () => (await appliance.status()).proxy.ports.find((candidate) => candidate.port === 8043)
    const held = await eventually(port, (state) => state?.reason?.message.includes(String(holder.pid)) === true)
    expect(held).toMatchObject({ state: 'failed', reason: { code: 'PORT_IN_USE' } })
    expect(held?.reason?.message).toContain('node')

    await holder.stop('SIGTERM', 10_000)
    await eventually(port, (state) => state?.state === 'listening', 90_000)
    await eventually(
      () => outpost.call('http', { url: 'https://127.0.0.1:8043/login' }),
      ({ status }) => status === 200,
    )
  })

  test('an engine that goes away and comes back', async () => {
    const { appliance, podman } = await open({})
    await appliance.start()
    const before = await appliance.phase('ready', 90_000)
    await podman.stopService()
    await eventually(
      () => appliance.hostState(),
      (state) => [state.reason, ...state.warnings].some((reason) => reason.code === 'ENGINE_UNREACHABLE'),
      60_000,
    )
    await podman.startService()
    const after = await appliance.phase('ready', 90_000)
    expect(after.controller.containerId).toBe(before.controller.containerId)
    await eventually(
      () => appliance.hostState(),
      (state) => [state.reason, ...state.warnings].every((reason) => reason.code !== 'ENGINE_UNREACHABLE'),
    )
  })

  test('no engine, and none that can be started', async () => {
    const { appliance, podman } = await open({
      engine: false,
      environment: { CONTAINERS_STORAGE_CONF: '/no/such/storage.conf' },
    })
    await appliance.start()
    // sysexits: 69 is EX_UNAVAILABLE.
    expect(await appliance.child.ended).toEqual({ code: 69, signal: null })
    expect(appliance.report()).toContain('ENGINE_UNREACHABLE')
    expect(appliance.report()).toContain('/no/such/storage.conf')
    expect(await podman.containers()).toEqual([])
  })

  test('no engine that answers: one is started, and ends with the appliance', async () => {
    const { appliance, namespace } = await open({ engine: false })
    const before = await processesIn(namespace)
    await appliance.start()
    await appliance.phase('ready', 90_000)
    expect((await processesIn(namespace)).join('\n')).toContain('podman')
    expect(await appliance.stop('SIGINT')).toEqual({ code: 0, signal: null })
    // The engine's own clean-up after a container may last a moment longer.
    await expect.poll(() => processesIn(namespace)).toEqual(before)
  })
})
