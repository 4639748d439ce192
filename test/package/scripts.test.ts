import { execFile } from 'node:child_process'
import { access, readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const run = promisify(execFile)
const root = fileURLToPath(new URL('../..', import.meta.url))
const maintainerScripts = ['postinst', 'prerm', 'postrm'].map((name) => `scripts/lib/package/debian/${name}`)
const scripts = [...maintainerScripts, 'scripts/package', 'scripts/install']

interface Ended {
  readonly code?: number
  readonly stdout: string
  readonly stderr: string
}

const ended = (file: string, ...argv: readonly string[]): Promise<Ended> =>
  run(file, argv, { cwd: root }).then(
    (output) => ({ ...output, code: 0 }),
    (error: Ended) => error,
  )

test.each(scripts)('%s is a script that sh can read', async (script) => {
  expect(await ended('sh', '-n', script)).toMatchObject({ code: 0, stderr: '' })
})

test.for(scripts)('%s is fine with shellcheck', async (script, { skip }) => {
  if ((await ended('sh', '-c', 'command -v shellcheck')).code !== 0) skip('shellcheck is not installed')
  // SC1007: CDPATH= for one command, as all the scripts have it.
  const { stdout } = await ended('shellcheck', '-x', '-P', 'SCRIPTDIR', '-e', 'SC1007', script)
  expect(stdout).toBe('')
})

test('apt never waits for the service to be up', async () => {
  const text = (await Promise.all(maintainerScripts.map((path) => readFile(`${root}/${path}`, 'utf8')))).join('\n')
  const code = text.replace(/^\s*#.*$/gm, '')
  expect(code).toContain('systemctl --no-block "$@"')
  expect(code).not.toMatch(/systemctl (?:start|restart|try-restart)|deb-systemd-invoke (?:start|restart)/)
})

test('no maintainer script takes a volume away', async () => {
  for (const path of maintainerScripts) {
    const commands = (await readFile(`${root}/${path}`, 'utf8')).replace(/<<'NOTE'\n[\s\S]*?\nNOTE\n/, '\n')
    expect(commands).not.toMatch(/podman|docker|containers|volume/)
  }
})

test.each([
  ['scripts/package', ['--arch', 'riscv64'], /there is no package for riscv64/],
  ['scripts/package', ['--arch'], /^Usage: scripts\/package/],
  ['scripts/package', ['--arm64'], /^Usage: scripts\/package/],
  ['scripts/install', ['--purge'], /^Usage: scripts\/install/],
  ['scripts/install', ['now'], /^Usage: scripts\/install/],
])('%s %j is wrong usage', async (script, argv, said) => {
  const { code, stderr } = await ended(`${root}/${script}`, ...argv)
  expect(code).toBe(2)
  expect(stderr).toMatch(said)
})

test.each(['scripts/package', 'scripts/install'])('%s --help explains itself', async (script) => {
  const { code, stdout } = await ended(`${root}/${script}`, '--help')
  expect(code).toBe(0)
  expect(stdout).toMatch(/^Usage: /)
})

test('without systemd scripts/install says so and where to go instead', async ({ skip }) => {
  const systemd = await access('/run/systemd/system').then(
    () => true,
    () => false,
  )
  if (systemd) skip('systemd runs here, and would install it')
  if (process.getuid?.() !== 0) skip('needs root')
  const { code, stderr } = await ended(`${root}/scripts/install`)
  expect(code).toBe(1)
  expect(stderr).toContain('systemd does not run on this machine')
  expect(stderr).toContain('scripts/demo')
})
