import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { Child } from '../support/child.ts'
import { systemdHost } from './support/systemd-fixture.ts'

// What Docker says of a registry that refuses; Podman's words are engine-pull's.
const place = '127.0.0.1:5001'
const program = fileURLToPath(new URL('support/ill-registry.ts', import.meta.url))

const host = systemdHost({ engine: 'docker', lans: { lan10: '10.77.10.1/24' } }, async (opened) => {
  const { ledger, namespace, appliance, registry } = opened
  await registry.start()
  await registry.push('6.3')
  const argv = namespace.enter([process.execPath, program, ...place.split(':')])
  const ill = await Child.start(ledger, { what: 'an ill registry', argv, graceMilliseconds: 1000 })
  await ill.line((line) => line === 'listens' || undefined, 20_000)
  await appliance.install({ start: false })
})

test.each([
  ['limited', 'REGISTRY_LIMIT', 'pull rate limit'],
  ['private', 'REGISTRY_LOGIN', 'docker --config /etc/omada-host login'],
  ['ill', 'REGISTRY_FAILED', '500'],
  ['unknown', 'IMAGE_NOT_FOUND', 'controller.image'],
])('%s is told as that, and not as another', async (name, code, words) => {
  const { appliance, machine } = host()
  appliance.configure({ controller: { image: `${place}/${name}/omada:6.3` } })
  await machine.exec(['systemctl', 'restart', '--no-block', 'omada-host'])
  const told = await expect
    .poll(async () => JSON.stringify((await appliance.hostState()).reason), { timeout: 60_000 })
    .toContain(`"code":"${code}"`)
    .then(async () => (await appliance.hostState()).reason)
  expect(`${told.message} ${told.remedy}`).toContain(words)
})

test('a registry that is not there is told, and the image is pulled by itself when it is', async () => {
  const { appliance, machine, registry } = host()
  await registry.stop()
  appliance.configure({})
  await machine.exec(['systemctl', 'restart', '--no-block', 'omada-host'])
  await expect
    .poll(async () => (await appliance.hostState()).reason.code, { timeout: 60_000 })
    .toBe('REGISTRY_UNREACHABLE')
  await registry.start()
  await appliance.phase('ready', 180_000)
})
