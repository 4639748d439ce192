import { spawnSync } from 'node:child_process'
import { cp, mkdir, readFile, symlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { builtProgram } from './support/appliance.ts'
import { reportFailures } from './support/report-failures.ts'
import { TestHost } from './support/test-host.ts'

let host: TestHost

/** A copy as a clone in /root is: nobody but root may look into its directory. */
async function privateCopy(directory: string): Promise<string> {
  const root = join(dirname(builtProgram), '..')
  const copy = join(directory, 'private')
  await mkdir(join(copy, 'scripts'), { recursive: true, mode: 0o700 })
  await cp(join(root, 'dist'), join(copy, 'dist'), { recursive: true })
  await cp(join(root, 'scripts/node'), join(copy, 'scripts/node'))
  await symlink(join(root, 'node_modules'), join(copy, 'node_modules'))
  return join(copy, 'dist/omada-host')
}

beforeAll(async () => {
  host = await TestHost.open({ program: privateCopy })
})
afterAll(() => host?.close())

test('the edge serves although its user cannot read the program', async () => {
  reportFailures(host)
  await host.appliance.start()
  await host.appliance.phase('ready')
  const { status } = await eventually(
    () => host.outpost.call('http', { url: 'http://127.0.0.1:8090/readyz' }),
    (answer) => answer.status === 200,
  )
  expect(status).toBe(200)
  await eventually(
    () => host.outpost.call('http', { url: 'https://127.0.0.1:8043/login' }),
    (answer) => answer.status === 200,
  )
  expect(host.appliance.report()).not.toMatch(/MODULE_NOT_FOUND|EACCES/)
})

test('a reload is taken over in the foreground, too, by both processes, and a wrong one fails with every fault', async () => {
  const { appliance } = host
  const config = JSON.parse(await readFile(appliance.configFile, 'utf8')) as Record<string, object>
  const reload = async (change: Record<string, object>) => {
    appliance.configure({ ...config, ...change })
    const argv = appliance.argv(['reload', '--runtime-dir', dirname(dirname(appliance.paths.hostStateSocket))])
    const { status, stdout, stderr } = spawnSync(argv[0] ?? '', argv.slice(1), { encoding: 'utf8' })
    return { status, said: stdout + stderr }
  }
  const wrong = await reload({ log: { level: 'loud' }, status: { prot: 1 } })
  expect(wrong).toEqual({ status: 78, said: expect.stringMatching(/log\.level.*status\.prot/s) })

  const { status, said } = await reload({ log: { level: 'debug' }, status: { port: 8091 } })
  expect(status).toBe(0)
  expect(said).toMatch(/taken over: log\.level\n/)
  expect(said).toMatch(/restart is needed for status\.port: end omada-host run and start it again/)
  const { warnings } = await eventually(
    () => appliance.edgeState(),
    (state) => state.warnings.some(({ code }) => code === 'RESTART_PENDING'),
  )
  expect(JSON.stringify(warnings)).toContain('end omada-host run')
  expect(appliance.report()).toContain('taken over from the changed configuration: log.level')
})

test('in the foreground, too, the fence stands with the controller, comes back, and goes with it', async () => {
  const { appliance, namespace } = host
  const table = () =>
    namespace.run(['nft', 'list', 'table', 'inet', 'omada-host']).then(
      () => true,
      () => false,
    )
  expect(await table()).toBe(true)
  await namespace.run(['nft', 'flush', 'ruleset'])
  await eventually(table, Boolean)
  const { warnings } = await eventually(
    () => appliance.hostState(),
    (state) => state.warnings.some(({ code }) => code === 'FILTER_FLUSHED'),
  )
  expect(JSON.stringify(warnings)).toContain("Podman's own rules for it, too")
  await appliance.stop('SIGTERM')
  expect(await table()).toBe(false)
})
