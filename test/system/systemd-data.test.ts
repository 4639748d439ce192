import { expect, test } from 'vitest'
import { systemdHost } from './support/systemd-fixture.ts'

const place = '/srv/omada'

const host = systemdHost({ lans: { lan10: '10.77.10.1/24' } }, async ({ machine, registry, appliance }) => {
  await registry.start()
  await registry.push('6.3')
  await appliance.install({ start: false })
  // A disk of its own, and where it is mounted.
  await machine.exec(['mkdir', '--parents', '/mnt/disk', place])
  await machine.exec(['mount', '-t', 'tmpfs', '-o', 'mode=755,size=3g', 'tmpfs', '/mnt/disk'])
  await mount()
  appliance.configure({ controller: { dataVolume: place } })
})
const mount = () => host().machine.exec(['mount', '--bind', '/mnt/disk', place])
const begin = () => host().machine.exec(['systemctl', 'start', '--no-block', 'omada-host'])
const events = () =>
  (JSON.parse(host().machine.read(`${place}/standin-history.json`)) as { event: string }[]).map(({ event }) => event)

test('the controller of the first start is remembered, outside of its data', async () => {
  const { machine, appliance } = host()
  expect((await appliance.systemctl('start')).code).toBe(0)
  const { controller } = await appliance.phase('ready')
  const remembered = '/var/lib/omada-host/release.json'
  await expect
    .poll(() => machine.try(['cat', remembered]), { timeout: 60_000 })
    .toMatchObject({ code: 0, stdout: expect.stringContaining(`"omadacId": "${controller.omadacId}"`) })
  expect(JSON.parse(machine.read(remembered))).toMatchObject({
    controller: { place, mark: machine.read(`${place}/.omada-host-id`).trim() },
  })
  expect(await machine.exec(['stat', '--format', '%a %U', remembered, '/var/lib/omada-host'])).toBe(
    '600 root\n700 root',
  )
})

test('a disk that is not mounted: nothing starts, nothing is written, and it goes on by itself when it is', async () => {
  const { machine, appliance } = host()
  expect((await appliance.systemctl('stop')).code).toBe(0)
  await machine.exec(['umount', place])
  await begin()
  const { reason } = await appliance.phase('failed')
  expect(reason).toMatchObject({ code: 'DATA_CHANGED', remedy: expect.stringContaining('mount its disk') })
  // The service ends with the reason, and is started again.
  await expect
    .poll(async () => (await appliance.command(['status'])).stdout, { timeout: 60_000 })
    .toContain('omada-host acknowledge DATA_CHANGED')
  expect(await machine.exec(['ls', '--almost-all', place])).toBe('')
  await mount()
  await appliance.phase('ready', 120_000)
  expect(events()).toEqual(['first-start', 'clean-stop', 'clean-start'])
})

test('a typing error makes no directory and no controller', async () => {
  const { machine, appliance } = host()
  expect((await appliance.systemctl('stop')).code).toBe(0)
  appliance.configure({ controller: { dataVolume: '/srv/omda' } })
  await begin()
  expect((await appliance.phase('failed')).reason).toMatchObject({
    code: 'DIRECTORY_MISSING',
    remedy: expect.stringContaining('mkdir -p /srv/omda'),
  })
  expect((await machine.try(['ls', '/srv/omda'])).code).not.toBe(0)
})

test('the directory above the data is not the data', async () => {
  const { machine, appliance } = host()
  expect((await appliance.systemctl('stop')).code).toBe(0)
  // As on a machine that remembers nothing yet.
  await machine.exec(['rm', '/var/lib/omada-host/release.json'])
  appliance.configure({ controller: { dataVolume: '/srv' } })
  await begin()
  expect((await appliance.phase('failed')).reason).toMatchObject({
    code: 'DATA_ELSEWHERE',
    message: expect.stringContaining(`/srv (controller.dataVolume) has no database, but ${place} has one`),
    remedy: expect.stringContaining(`set controller.dataVolume: ${place};`),
  })
  expect(await machine.exec(['ls', '/srv'])).toBe('omada')
})
