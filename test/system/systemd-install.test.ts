import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { command } from '../support/command.ts'
import { hostUnit } from './support/installed-appliance.ts'
import { systemdHost } from './support/systemd-fixture.ts'

const root = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '')
const checkout = '/root/omada-host'

// A clone of the repository on the host. Its npm packages come along: the host has no network to fetch them from.
const host = systemdHost({ lans: { lan10: '10.77.10.1/24' } }, async ({ machine, registry }) => {
  await registry.start()
  await registry.push('6.2')
  const files = (await command(['git', '-C', root, 'ls-files', '--cached', '--others', '--exclude-standard'])).split(
    '\n',
  )
  for (const top of new Set(files.map((path) => path.split('/')[0] ?? ''))) {
    await machine.copyIn(join(root, top), join(checkout, top))
  }
  await machine.copyIn(join(root, 'node_modules'), join(checkout, 'node_modules'))
  const lock = createHash('sha256')
    .update(await readFile(join(root, 'package-lock.json')))
    .digest('hex')
  machine.write(join(checkout, 'node_modules/.installed-lock'), `${lock}  -\n`)
})

/** A command of the README, which must stand there, typed in the clone. */
function typed(line: string) {
  expect(readFileSync(join(root, 'README.md'), 'utf8')).toContain(line)
  return host().machine.try(['sh', '-c', `cd ${checkout} && ${line}`], { timeoutMilliseconds: 300_000 })
}

test('scripts/install ends with a controller that is ready, and tells where to look', async () => {
  const { appliance, outpost } = host()
  const { code, stdout, stderr } = await typed('scripts/install')
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(stdout).toMatch(/The controller is ready\.$/)
  expect((await appliance.hostState()).phase).toBe('ready')
  const page = /status page +http:\/\/(\S+)\//.exec(stdout)?.[1]
  expect(page).toBe('10.77.10.1:8090')
  expect((await outpost.call('http', { url: `http://${page}/readyz` })).status).toBe(200)
  // What it waited for was told meanwhile.
  expect(stdout).toMatch(/\nWaiting until[\s\S]*\n {2}\w+ing .*\n/)
}, 400_000)

test('what the README tells to look at can be looked at', async () => {
  expect((await typed('systemctl status omada-host')).stdout).toContain('Active: active (running)')
  expect((await typed('omada-host config check && systemctl reload omada-host')).code).toBe(0)
  expect((await typed('journalctl -u omada-host -u omada-host-edge')).stdout).toContain('the controller is ready')
})

test('run again, it upgrades without touching the container', async () => {
  const pid = () => host().machine.exec(['podman', 'inspect', '--format', '{{.State.Pid}}', 'omada-controller'])
  const before = await pid()
  expect((await typed('scripts/install')).code).toBe(0)
  expect(await pid()).toBe(before)
}, 400_000)

test('scripts/install --uninstall --purge leaves the volumes, and what the README says removes them', async () => {
  const { machine } = host()
  const { code, stdout } = await typed('scripts/install --uninstall --purge')
  expect(code).toBe(0)
  expect(stdout).toContain('podman volume rm omada-data omada-logs')
  expect(await machine.try(['dpkg-query', '--show', 'omada-host'])).toMatchObject({ code: 1 })
  expect((await machine.show(hostUnit, 'LoadState')).LoadState).toBe('not-found')
  expect((await typed('podman volume rm omada-data omada-logs')).code).toBe(0)
  expect((await typed('podman network rm omada')).code).toBe(0)
})
