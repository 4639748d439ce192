import { expect, test } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { edgeUnit, hostUnit } from './support/installed-appliance.ts'
import { systemdHost } from './support/systemd-fixture.ts'

const timeoutSeconds = 20
const host = systemdHost({ lans: { lan10: '10.77.10.1/24' } })
const activeState = async (unit: string) => (await host().machine.show(unit, 'ActiveState')).ActiveState
const statusText = async () => (await host().machine.show(hostUnit, 'StatusText')).StatusText ?? ''

test('the package installs, and enables the service', async () => {
  const { appliance, machine } = host()
  await appliance.install({ start: false })
  expect(await machine.exec(['systemctl', 'is-enabled', hostUnit])).toBe('enabled')
  expect(await activeState(hostUnit)).toBe('inactive')
})

test('while the registry is down, the first start waits, says so, and serves what it can', async () => {
  const { appliance, machine, outpost } = host()
  appliance.configure()
  // Much less than it will take: the start asks for more time as long as it gets on.
  machine.write(`/etc/systemd/system/${hostUnit}.d/test.conf`, `[Service]\nTimeoutStartSec=${timeoutSeconds}s\n`)
  await machine.exec(['systemctl', 'daemon-reload'])
  await machine.exec(['systemctl', 'start', '--no-block', hostUnit])
  const text = await eventually(statusText, (status) => status.includes('registry'))
  expect(text).toContain('Pulling image')
  await eventually(
    () => outpost.call('http', { url: 'http://10.77.10.1:8090/readyz' }),
    (answer) => answer.status === 503 && answer.body.includes('REGISTRY_UNREACHABLE'),
  )
  expect((await appliance.hostState()).reason.message).toContain('docker.io/mbentley/omada-controller:6.3')
  // When three times that has passed by systemd's own clock it is still starting, and has not been started over.
  const startingFor = async () => {
    const now = Number(process.hrtime.bigint()) / 1e9
    return now - (await machine.stamp('InactiveExitTimestampMonotonic', hostUnit))
  }
  await eventually(startingFor, (seconds) => seconds > 3 * timeoutSeconds, 120_000)
  expect(await activeState(hostUnit)).toBe('activating')
  expect(await machine.show(hostUnit, 'NRestarts')).toEqual({ NRestarts: '0' })
})

test('when the registry is there, the start goes on by itself until the controller is ready', async () => {
  const { appliance, registry } = host()
  await registry.start()
  await registry.push('6.3')
  // Joins the job that is under way, and returns with it.
  expect(await appliance.systemctl('start')).toEqual({ code: 0, stdout: '', stderr: '' })
  expect((await appliance.hostState()).phase).toBe('ready')
  expect(await host().machine.show(hostUnit, 'NRestarts')).toEqual({ NRestarts: '0' })
})

test('systemctl status shows both services and what the appliance does', async () => {
  const { appliance, machine } = host()
  const shown = await machine.exec(['systemctl', 'status', '--no-pager', hostUnit, edgeUnit])
  expect(shown.match(/Active: active \(running\)/g)).toHaveLength(2)
  const said = /^Ready: the controller is ready; but which address .*: omada-host acknowledge DEVICE_ADDRESS ([\d.]+)$/
  const told = await eventually(statusText, (text) => said.test(text ?? ''))
  const address = said.exec(told ?? '')?.[1] ?? ''
  expect(await appliance.command(['acknowledge', 'DEVICE_ADDRESS', address])).toMatchObject({ code: 0 })
  await eventually(statusText, (text) => text === 'Ready: the controller is ready')
  const edge = (await machine.show(edgeUnit, 'StatusText')).StatusText
  expect(edge).toMatch(/\S/)
})

test('the web interface and the status page are served on the LAN', async () => {
  const { outpost } = host()
  const get = (url: string) => outpost.call('http', { url })
  expect((await get('https://10.77.10.1:8043/login')).status).toBe(200)
  expect((await get('http://10.77.10.1:8090/readyz')).status).toBe(200)
})

test('systemctl start returns when the controller is ready, and not before', async () => {
  const { appliance, machine } = host()
  expect((await appliance.systemctl('stop')).code).toBe(0)
  appliance.configure({ controller: { environment: { STANDIN_START_SECONDS: '6' } } })
  const texts = new Set<string>()
  let starting = true
  const started = appliance.systemctl('start').finally(() => {
    starting = false
  })
  while (starting) {
    texts.add(await statusText())
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  expect((await started).code).toBe(0)
  expect((await appliance.hostState()).phase).toBe('ready')
  const web = await machine.try(['systemctl', 'is-active', hostUnit])
  expect(web.stdout).toBe('active')
  // What a person saw meanwhile.
  expect([...texts].join('\n')).toContain('waiting for MongoDB')
  expect([...texts].join('\n')).toContain('MongoDB up, waiting for the web server')
})
