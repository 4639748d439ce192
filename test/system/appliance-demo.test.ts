import { mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Child } from '../support/child.ts'
import { command } from '../support/command.ts'
import { processesIn } from './support/processes.ts'
import { TestHost } from './support/test-host.ts'

const program = join(import.meta.dirname, '../../scripts/lib/demo/main.ts')

/** What scripts/demo starts when everything is installed, in a namespace and with a Podman of its own. */
describe('the demo', () => {
  let host: TestHost
  let demo: Child | undefined
  let before: object
  /** Where the demos make their directories, whose names their namespaces begin with. */
  let temporary: string
  const seen = new Set<string>()

  beforeEach(async (context) => {
    host = await TestHost.open({ imageStored: false, engine: false })
    context.onTestFailed(() => console.error(demo?.tail(200)))
    temporary = join(host.ledger.directory, 'tmp')
    mkdirSync(temporary)
    before = await traces()
  })
  afterEach(() => host.close())

  async function start(...options: string[]): Promise<Child> {
    const log = join(host.ledger.directory, 'demo.log')
    demo = await Child.start(host.ledger, {
      what: 'the demo',
      argv: host.namespace.enter([process.execPath, program, '--log', log, ...options]),
      environment: { ...host.podman.environment, TMPDIR: temporary },
      graceMilliseconds: 60_000,
    })
    return demo
  }

  /** Everything that a demo could leave behind. */
  async function traces(): Promise<object> {
    const directories = readdirSync(temporary)
    for (const name of directories) seen.add(name)
    const namespaces = (await command(['ip', 'netns', 'list'])).split('\n')
    return {
      processes: await processesIn(host.namespace),
      interfaces: await host.namespace.run(['ip', '-brief', 'link', 'show', 'type', 'bridge']),
      namespaces: namespaces.filter((line) => [...seen].some((name) => line.startsWith(name))),
      directories,
      containers: await host.podman.containers(),
      images: await host.podman.run(['images', '--quiet']),
      volumes: await host.podman.run(['volume', 'ls', '--quiet']),
      networks: await host.podman.run(['network', 'ls', '--format', '{{.Name}}']),
    }
  }

  const ready = (line: string) => /ready: the controller is ready/.test(line) || undefined

  test('after one that was killed, a second one cleans up, shows three devices and adopts one', async () => {
    const first = await start()
    await first.line(ready, 120_000)
    await first.stop('SIGKILL', 10_000)
    expect(await traces()).not.toEqual(before)

    const second = await start('--adopt', '--for', '1')
    expect(await second.ended).toEqual({ code: 0, signal: null })
    const output = second.tail(200)
    expect(output).toContain('http://127.0.0.1:8090')
    for (const device of ['ap Lobby', 'switch Rack', 'gateway Uplink']) expect(output).toContain(device)
    expect(output).toContain('AA-BB-CC-00-00-01 is connected, to 10.77.0.1:29814')
    await expect.poll(traces).toEqual(before)
  })

  test('Ctrl-C removes everything', async () => {
    const child = await start()
    await child.line((line) => line.includes('curl') || undefined, 120_000)
    expect(await traces()).not.toEqual(before)
    expect(await child.stop('SIGINT', 60_000)).toEqual({ code: 0, signal: null })
    await expect.poll(traces).toEqual(before)
  })

  test('Ctrl-C in the middle of the start removes everything, too', async () => {
    const child = await start()
    await child.line((line) => line.includes('The status page') || undefined, 120_000)
    expect(await traces()).not.toEqual(before)
    expect(await child.stop('SIGINT', 60_000)).toEqual({ code: 0, signal: null })
    await expect.poll(traces).toEqual(before)
  })
})
