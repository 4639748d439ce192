import { afterEach, expect, test } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { reportFailures } from './support/report-failures.ts'
import { TestHost } from './support/test-host.ts'

let host: TestHost | undefined
afterEach(() => host?.close())

test.each([
  ['ENGINE_NO_CPU_LIMIT', { cpus: 2 }, 'controller.cpus'],
  [
    'ENGINE_NO_MEMORY_LIMIT',
    { memory: { heapMegabytes: 512, databaseCacheMegabytes: 256, limitMegabytes: 2048 } },
    'limitMegabytes',
  ],
] as const)('%s is told before anything is made', async (code, controller, key) => {
  host = await TestHost.open({ engine: false, config: { controller } })
  const { appliance, podman } = host
  reportFailures(host)
  await podman.startService({ limits: false })
  await appliance.start()
  const { reason } = await eventually(
    () => appliance.hostState(),
    (state) => state.reason.code === code,
  )
  expect(reason.message).toContain(key)
  expect(reason.remedy).toContain(key)
  expect(await podman.containers()).toEqual([])
  expect(await podman.run(['network', 'ls', '--format', '{{.Name}}'])).not.toContain('omada')
})
