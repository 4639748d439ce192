import { cp, mkdir, symlink } from 'node:fs/promises'
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
