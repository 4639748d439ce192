import { expect, test } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { edgeUnit, hostUnit } from './support/installed-appliance.ts'
import { Outpost } from './support/outpost.ts'
import { systemdHost } from './support/systemd-fixture.ts'

const host = systemdHost({ lans: { lan10: '10.77.10.1/24' } }, async (opened) => {
  await opened.registry.start()
  await opened.registry.push('6.3')
  await opened.appliance.install({ start: false })
})
const wrong = { controller: { stopGraceSeconds: 3, tiemzone: 'Europe/Berlin' }, status: { port: 'eighty' } }
const faults = ['controller.stopGraceSeconds', 'tiemzone', 'status.port']
/** What the units said since a moment of the machine's wall clock. */
const said = (since: number) => host().machine.journalctl(['--output=cat', `--since=@${Math.floor(since / 1000)}`])
const running = async () => ({
  container: await host().appliance.container(),
  units: await host().machine.exec(['systemctl', 'show', hostUnit, edgeUnit, '--property=MainPID,ActiveState']),
})
const get = (url: string) => host().outpost.call('http', { url })

test('a wrong configuration on start: every fault in the journal, exit 78, not tried again', async () => {
  const { appliance, machine } = host()
  const since = Date.now()
  appliance.configure(wrong)
  expect((await appliance.systemctl('start')).code).not.toBe(0)
  expect(await machine.show(hostUnit, 'ActiveState', 'ExecMainStatus', 'NRestarts')).toEqual({
    ActiveState: 'failed',
    ExecMainStatus: '78',
    NRestarts: '0',
  })
  const journal = await said(since)
  for (const fault of faults) expect(journal).toContain(fault)
  // It has no one to serve.
  await eventually(
    () => machine.show(edgeUnit, 'ActiveState'),
    (unit) => unit.ActiveState !== 'active' && unit.ActiveState !== 'activating',
  )
  expect(await machine.exec(['podman', 'ps', '--all', '--quiet'])).toBe('')
})

test('put right, it starts', async () => {
  const { appliance } = host()
  appliance.configure()
  expect(await appliance.systemctl('start')).toEqual({ code: 0, stdout: '', stderr: '' })
  expect((await appliance.hostState()).phase).toBe('ready')
})

test('a wrong configuration on reload fails the reload with every fault, and the old one stays in force', async () => {
  const { appliance } = host()
  const before = await running()
  const since = Date.now()
  appliance.configure(wrong)
  expect((await appliance.systemctl('reload')).code).not.toBe(0)
  const journal = await said(since)
  for (const fault of faults) expect(journal).toContain(fault)
  // The same by the command, whose exit code tells a wrong configuration from any other failure.
  const command = await appliance.command(['reload'])
  expect(command.code).toBe(78)
  for (const fault of faults) expect(command.stderr).toContain(fault)
  expect(await running()).toEqual(before)
  expect((await get('http://10.77.10.1:8090/readyz')).status).toBe(200)
})

test('a reload applies what it can, without touching the container or ending either process', async () => {
  const { appliance } = host()
  const neighbour = await Outpost.open(host().ledger, await host().neighbour('lan10', 30))
  const page = () =>
    neighbour.call('http', { url: 'http://10.77.10.1:8090/readyz', deadlineMilliseconds: 5000 }).then(
      ({ status }) => status,
      () => 'refused',
    )
  expect(await page()).toBe(200)
  const before = await running()
  appliance.configure({ access: { management: ['192.0.2.0/24'] } })
  expect((await appliance.systemctl('reload')).code).toBe(0)
  await eventually(page, (answer) => answer === 'refused')
  appliance.configure()
  expect((await appliance.systemctl('reload')).code).toBe(0)
  await eventually(page, (answer) => answer === 200)
  expect(await running()).toEqual(before)
})

test('a reload names what only a restart applies, and the restart applies it', async () => {
  const { appliance } = host()
  const before = await appliance.container()
  const since = Date.now()
  appliance.configure({ controller: { timezone: 'Asia/Tokyo' } })
  expect((await appliance.systemctl('reload')).code).toBe(0)
  await eventually(
    () => said(since),
    (journal) => journal.includes('controller.timezone') && journal.includes('restart'),
  )
  expect(await appliance.container()).toBe(before)

  expect((await appliance.systemctl('restart')).code).toBe(0)
  expect(await appliance.container()).not.toBe(before)
  const environment = ['podman', 'inspect', '--format', '{{.Config.Env}}', 'omada-controller']
  expect(await host().machine.exec(environment)).toContain('TZ=Asia/Tokyo')
  expect(await appliance.dataHistory()).toEqual(['first-start', 'clean-stop', 'clean-start'])
})

test('a port that another program holds is named with it; the others serve; it is taken when it is free', async () => {
  const { appliance, machine } = host()
  expect((await appliance.systemctl('stop')).code).toBe(0)
  await machine.exec(['systemd-run', '--unit=holder', 'python3', '-m', 'http.server', '8043'])
  expect((await appliance.systemctl('start')).code).toBe(0)
  const port = async () => (await appliance.status()).proxy.ports.find((candidate) => candidate.port === 8043)
  const { MainPID } = await machine.show('holder.service', 'MainPID')
  const held = await eventually(port, (state) => state?.reason?.message.includes(String(MainPID)) === true)
  expect(held).toMatchObject({ state: 'failed', reason: { code: 'PORT_IN_USE' } })
  expect(held?.reason?.message).toContain('python3')
  expect((await get('http://10.77.10.1:8088/')).status).toBeLessThan(400)

  await machine.exec(['systemctl', 'stop', 'holder'])
  await eventually(port, (state) => state?.state === 'listening', 90_000)
  expect((await get('https://10.77.10.1:8043/login')).status).toBe(200)
})

test('a renewed certificate is shown after a reload to whoever waits for the controller', async () => {
  const { appliance, machine } = host()
  const certify = (name: string) =>
    machine.exec([
      ...['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '30'],
      ...['-subj', `/CN=${name}`, '-keyout', '/etc/omada-host/tls.key', '-out', '/etc/omada-host/tls.crt'],
    ])
  const shown = () =>
    machine.exec(['sh', '-c', 'openssl s_client -connect 10.77.10.1:8043 </dev/null | openssl x509 -noout -subject'])
  expect((await appliance.command(['stop'])).code).toBe(0)
  const before = await machine.show(edgeUnit, 'MainPID')
  appliance.configure({ controller: { certificateDirectory: '/etc/omada-host' } })
  for (const name of ['first.example', 'renewed.example']) {
    await certify(name)
    const since = Date.now()
    expect((await appliance.systemctl('reload')).code).toBe(0)
    await eventually(shown, (subject) => subject.includes(name))
    expect(await said(since)).toContain('omada-host restart')
  }
  expect(await machine.show(edgeUnit, 'MainPID')).toEqual(before)
})
