import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { processesIn } from './support/processes.ts'
import { reportFailures } from './support/report-failures.ts'
import { TestHost } from './support/test-host.ts'

describe('the end of the appliance', () => {
  let host: TestHost

  beforeEach(async () => {
    host = await TestHost.open({ lans: { lan10: '10.77.10.1/24' } })
    reportFailures(host)
  })
  afterEach(() => host.close())

  const dataOf = (name: string) => host.podman.run(['volume', 'inspect', '--format', '{{.Mountpoint}}', name])

  test('Ctrl-C leaves clean data and nothing else', async () => {
    const before = await processesIn(host.namespace)
    await host.appliance.start()
    await host.appliance.phase('ready', 90_000)
    expect(existsSync(join(await dataOf('omada-data'), 'db/DIRTY'))).toBe(true)

    expect(await host.appliance.stop('SIGINT')).toEqual({ code: 0, signal: null })
    const data = await dataOf('omada-data')
    expect(existsSync(join(data, 'db/DIRTY'))).toBe(false)
    const history = JSON.parse(readFileSync(join(data, 'standin-history.json'), 'utf8')) as { event: string }[]
    expect(history.map((entry) => entry.event)).toEqual(['first-start', 'clean-stop'])
    expect(await host.podman.containers()).toEqual([])
    // The engine's own clean-up after a container may last a moment longer.
    await expect.poll(() => processesIn(host.namespace)).toEqual(before)
    for (const path of Object.values(host.appliance.paths).filter((place) => place.endsWith('.sock'))) {
      expect(existsSync(path), path).toBe(false)
    }
  })

  test('a controller that takes 20 s to stop is waited for', async () => {
    host.appliance.configure(host.config({ controller: { environment: { STANDIN_STOP_SECONDS: '20' } } }))
    await host.appliance.start()
    await host.appliance.phase('ready', 90_000)
    const started = performance.now()
    await host.appliance.stop('SIGTERM')
    expect(performance.now() - started).toBeGreaterThan(19_000)
    expect(existsSync(join(await dataOf('omada-data'), 'db/DIRTY'))).toBe(false)
  })

  test('kill -9 leaves the controller running, and the next start attaches to it', async () => {
    await host.appliance.start()
    const before = await host.appliance.phase('ready', 90_000)
    const facts = '{{.Id}} {{.State.Pid}} {{.State.StartedAt}}'
    const container = await host.podman.inspect('omada-controller', facts)

    await host.appliance.stop('SIGKILL')
    expect(await host.podman.inspect('omada-controller', facts)).toBe(container)
    // Its children end with it: the ports are free again.
    await eventually(
      async () => (await processesIn(host.namespace)).filter((process) => process.includes('main.js')),
      (left) => left.length === 0,
    )

    await host.appliance.start()
    const after = await host.appliance.phase('ready', 90_000)
    expect(await host.podman.inspect('omada-controller', facts)).toBe(container)
    expect(after.controller.containerId).toBe(before.controller.containerId)
    expect(after.appliance.startedAt).not.toBe(before.appliance.startedAt)
    expect((await host.operator.health()).data.uncleanStops).toBe(0)
  })
})
