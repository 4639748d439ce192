import { expect, test } from 'vitest'
import { systemdHost } from './support/systemd-fixture.ts'

// What Podman's own state says after a power cut, made here by hand.
const image = 'docker.io/mbentley/omada-controller:6.3'
const storage = '/var/lib/containers/storage'
const addresses = '/run/containers/networks/ipam.db'

const host = systemdHost({ lans: { lan10: '10.77.10.1/24' } }, async ({ appliance }) => {
  await appliance.install({ start: false })
})
const begin = () => host().machine.exec(['systemctl', 'start', '--no-block', 'omada-host'])
const stop = async () => expect((await host().appliance.systemctl('stop')).code).toBe(0)
const sh = (script: string) => host().machine.exec(['sh', '-c', script])
/** The command that a remedy begins with, as somebody types it. */
const follow = (remedy = '') => sh(remedy.split(/[,;]/)[0] ?? '')

test('a name that is in use by what Podman does not list is told with its id and the command that frees it', async () => {
  const { registry, appliance, machine } = host()
  await registry.start()
  await registry.push('6.3')
  expect((await appliance.systemctl('start')).code).toBe(0)
  await appliance.phase('ready')
  await stop()
  // Another set of Podman's books over the same storage, as when its own are lost.
  machine.write('/tmp/other.conf', '[engine]\nstatic_dir = "/tmp/other"\ntmp_dir = "/tmp/other-run"\n')
  await sh(`CONTAINERS_CONF=/tmp/other.conf podman create --name omada-controller ${image}`)
  expect(await sh('podman ps --all --format {{.Names}}')).toBe('')
  await begin()
  const { reason } = await appliance.phase('failed')
  expect(reason).toMatchObject({
    code: 'CONTAINER_NAME_TAKEN',
    message: expect.stringMatching(/omada-controller .* does not list, [0-9a-f]{12}/),
    remedy: expect.stringMatching(/^podman rm --force [0-9a-f]{64};/),
  })
  await follow(reason.remedy)
  await appliance.phase('ready', 120_000)
})

test('a layer of the image that is damaged is told with the command that removes the image, which is then pulled again', async () => {
  const { appliance, machine } = host()
  await stop()
  const layers = (await sh(`ls -d ${storage}/overlay/*/diff`)).split('\n')
  expect(layers.length).toBeGreaterThan(0)
  await machine.exec(['rm', '--recursive', ...layers])
  await begin()
  const { reason } = await appliance.phase('failed')
  expect(reason).toMatchObject({ code: 'ENGINE_STORAGE', message: expect.stringContaining(image) })
  await follow(reason.remedy)
  await appliance.phase('ready', 120_000)
  expect(await appliance.dataHistory()).toContain('clean-start')
})

test('an address that is kept for a container that is gone is freed', async () => {
  const { appliance } = host()
  await sh(`cp ${addresses} /tmp/ipam.db`)
  await stop()
  await sh(`cp /tmp/ipam.db ${addresses}`)
  expect((await appliance.systemctl('start')).code).toBe(0)
  const { history } = await appliance.phase('ready')
  expect(history.map(({ message }) => message).join('\n')).toContain('for a container that is gone')
})
