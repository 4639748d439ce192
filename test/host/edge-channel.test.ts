import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { loadConfig } from '../../src/config/load.ts'
import { systemClock } from '../../src/core/clock.ts'
import { Warnings } from '../../src/core/warnings.ts'
import { Configuration } from '../../src/host/configuration.ts'
import { edgeChannel } from '../../src/host/edge-channel.ts'
import { channelVersion, type EdgePart } from '../../src/ipc/channel.ts'
import { fetchState, StateSubscription } from '../../src/ipc/client.ts'
import { hostState, silent, soon, temporaryDirectory } from '../ipc/fixtures.ts'
import { waitFor } from '../support/wait-for.ts'

const version = '1.2.3'
const expected = channelVersion(version)
const restarted = { host: 'omada-host', edge: 'omada-host-edge' } as const
const secrets = 'mongo: { uri: "mongodb://user:hidden@db/omada" }\ncontroller: { environment: { PASSWORD: hidden } }\n'

async function scene() {
  const directory = await temporaryDirectory()
  const path = join(directory.path, 'channel.sock')
  const file = { text: secrets }
  const load = async () => loadConfig({ path: 'config.yaml', text: file.text, env: {} })
  const certificate = { cert: 'CERT', key: 'KEY' }
  const warnings = new Warnings({ logger: silent, clock: systemClock }).source({ name: 'configuration' })
  const usable = { certificate, warnings: [] }
  const configuration = new Configuration({
    ...{ loaded: await load(), usable, readCertificate: async () => usable, load, restarted, warnings, logger: silent },
  })
  const channel = edgeChannel({ configuration, version, path, group: undefined, logger: silent })
  await channel.start(soon())
  const end = async () => {
    await channel.stop(soon())
    await directory[Symbol.asyncDispose]()
  }
  return { path, file, configuration, channel, [Symbol.asyncDispose]: end }
}

test('the edge is told what it needs, and no secret of the database or the image', async () => {
  await using served = await scene()
  expect((await stat(served.path)).mode & 0o777).toBe(0o660)
  const part = await fetchState<EdgePart>(served.path, soon(), expected)
  expect(JSON.stringify(part)).not.toContain('hidden')
  expect(part).toMatchObject({ config: { status: { port: 8090 } }, certificate: { cert: 'CERT', key: 'KEY' } })
  expect(part.needs).toMatchObject({ 'status.port': 'edge', 'proxy.ports': 'edge', 'network.subnet': 'container' })
  expect(Object.keys(part.needs).filter((key) => /^(controller|mongo|engine)\./.test(key))).toEqual([])
})

test('it is told what is in force, and not what only stands in the file; and the address of the container that runs', async () => {
  await using served = await scene()
  const subscription = new StateSubscription<EdgePart>({
    ...{ logger: silent, clock: systemClock, path: served.path, version: expected },
  })
  await subscription.start(soon())
  const told = () => subscription.current()
  await waitFor(() => expect(told()?.config.network.controllerAddress).toBe('10.129.81.10'))
  expect(told()).not.toHaveProperty('runningAddress')

  served.channel.follow(hostState({ controller: { image: 'i', containerId: 'c', address: '10.129.81.7' } }))
  await waitFor(() => expect(told()?.runningAddress).toBe('10.129.81.7'))
  served.file.text = `${secrets}network: { controllerAddress: 10.129.81.50 }\ndiscovery: { strict: true, maxSessions: 99 }`
  await served.configuration.reload()
  await waitFor(() => expect(told()?.config.discovery).toMatchObject({ strict: true, maxSessions: 99 }))
  expect(told()?.config.network.controllerAddress).toBe('10.129.81.10')

  served.channel.follow(hostState({ controller: { image: 'i', address: '10.129.81.10' } }))
  await waitFor(() => expect(told()).not.toHaveProperty('runningAddress'))
  await subscription.stop()
})

test('another version of the program does not read it', async () => {
  await using served = await scene()
  await expect(fetchState<EdgePart>(served.path, soon(), channelVersion('1.2.4'))).rejects.toThrow('1 1.2.3')
})
