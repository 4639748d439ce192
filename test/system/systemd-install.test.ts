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
  await registry.push('6.3')
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

/** What the README says of installing. */
const install = /^## Install\n([\s\S]*?)^## /m.exec(readFileSync(join(root, 'README.md'), 'utf8'))?.[1] ?? ''

/** The commands of a row of its table: all that is in code there, but for names of files. */
function row(name: string): string[] {
  const text = new RegExp(`^\\| ${name} \\| (.*) \\|$`, 'm').exec(install)?.[1] ?? ''
  return [...text.matchAll(/`([^`]*)`/g)].map((match) => match[1] ?? '').filter((code) => !code.startsWith('/'))
}

/** The lines of its fenced blocks. */
const blocks = [...install.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map((match) => (match[1] ?? '').trim().split('\n'))

/** Types a line of the README in the clone, as root. */
function typed(line: string | undefined) {
  if (line === undefined) throw new Error('README.md does not say so any more')
  return host().machine.try(['sh', '-c', `cd ${checkout} && ${line}`], { timeoutMilliseconds: 300_000 })
}

/** Types a line whose command goes on by itself, and ends it when it has printed a text, at the latest after a minute. */
async function typedUntil(line: string | undefined, text: string): Promise<string> {
  if (line === undefined) throw new Error('README.md does not say so any more')
  const until = `for try in $(seq 600); do grep -q '${text}' "$out" && break; sleep 0.1; done`
  return (await typed(`out=$(mktemp); ${line} >"$out" & ${until}; kill $!; cat "$out"`)).stdout
}

test('the first command of the README ends with a controller that is ready, and tells where to look', async () => {
  const { appliance, outpost } = host()
  expect(blocks[0]).toHaveLength(1)
  const { code, stdout, stderr } = await typed(blocks[0]?.[0])
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
  const [status, watch] = row('what it does')
  expect((await typed(status)).stdout).toMatch(/Active: active \(running\)[\s\S]*Status: "Ready: /)
  expect(await typedUntil(watch, 'ready')).toContain('ready')
  const [journal, logs] = row('log')
  expect((await typed(journal)).stdout).toContain('the controller is ready')
  expect(await typedUntil(logs, 'Omada Controller started')).toContain('Omada Controller started')
  expect((await typed(row('configuration')[0])).code).toBe(0)
})

test('run again, it upgrades without touching the container', async () => {
  const pid = () => host().machine.exec(['podman', 'inspect', '--format', '{{.State.Pid}}', 'omada-controller'])
  const before = await pid()
  // The clone is up to date: there is nothing to pull it from here.
  const upgrade = row('upgrade')[0]?.replace('git pull && ', '')
  expect((await typed(upgrade)).code).toBe(0)
  expect(await pid()).toBe(before)
}, 400_000)

test('uninstalled, the controller was stopped in order, and configuration and data are left', async () => {
  const { machine, appliance } = host()
  expect((await typed(row('uninstall')[0])).code).toBe(0)
  // Debian's way: masked until the package is purged or installed again.
  expect(await machine.show(hostUnit, 'LoadState', 'ActiveState')).toEqual({
    LoadState: 'masked',
    ActiveState: 'inactive',
  })
  expect(await machine.exec(['podman', 'ps', '--all', '--quiet'])).toBe('')
  expect(machine.read('/etc/omada-host/config.yaml')).toContain('controller')
  expect(await appliance.dataHistory()).toEqual(['first-start', 'clean-stop'])
})

test('purged, the data are left still, and what the README says removes them', async () => {
  const { machine } = host()
  const { code, stdout } = await typed(row('uninstall')[1])
  expect(code).toBe(0)
  const removal = blocks.at(-1) ?? []
  expect(removal).toHaveLength(3)
  expect(stdout).toContain(removal[0])
  expect(await machine.try(['dpkg-query', '--show', 'omada-host'])).toMatchObject({ code: 1 })
  expect(await machine.try(['ls', '/etc/omada-host'])).toMatchObject({ code: 2 })
  for (const line of removal) expect((await typed(line)).code).toBe(0)
  expect(await machine.exec(['podman', 'volume', 'ls', '--quiet'])).toBe('')
})
