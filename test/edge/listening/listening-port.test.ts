import { createServer, type Server } from 'node:net'
import { expect, test } from 'vitest'
import { systemClock } from '../../../src/core/clock.ts'
import { ListeningPort, wildcards } from '../../../src/edge/listening/listening-port.ts'
import { waitFor } from '../../support/wait-for.ts'
import { keepingLogger } from '../discovery/support/edge.ts'

const systemError = (code: string) => Object.assign(new Error(`listen ${code}`), { code })
const target = { port: 8043, setting: 'proxy.ports' }

/** A port whose hosts fail with these codes, or are listened on. */
function portWith(codes: Readonly<Record<string, string | undefined>>) {
  const tried: string[] = []
  const port = new ListeningPort({
    target,
    hosts: ['::', '0.0.0.0'],
    listen: async (host) => {
      tried.push(host)
      const code = codes[host]
      if (code !== undefined) throw systemError(code)
      return host
    },
    logger: keepingLogger().logger,
    clock: systemClock,
  })
  return { port, tried }
}

test('a kernel without IPv6 is served on IPv4 alone', async () => {
  const { port, tried } = portWith({ '::': 'EAFNOSUPPORT' })
  await port.start()
  expect(tried).toEqual(['::', '0.0.0.0'])
  expect(port.state()).toEqual({ state: 'listening' })
  expect(await port.stop()).toBe('0.0.0.0')
  expect(port.state()).toEqual({ state: 'closed' })
  expect(await port.stop()).toBeUndefined()
})

test('a port in use is not tried on another address', async () => {
  const { port, tried } = portWith({ '::': 'EADDRINUSE' })
  await port.start()
  expect(tried).toEqual(['::'])
  expect(port.state()).toMatchObject({ state: 'failed', reason: { code: 'PORT_IN_USE' } })
  await port.stop()
})

test('no address at all is the last error', async () => {
  const { port } = portWith({ '::': 'EAFNOSUPPORT', '0.0.0.0': 'EADDRNOTAVAIL' })
  await port.start()
  expect(port.state().reason?.message).toContain('EADDRNOTAVAIL')
  await port.stop()
})

test('dual stack is IPv6 and IPv4 by one socket where there is IPv6', () => {
  expect(wildcards('dual-stack')).toEqual(['::', '0.0.0.0'])
  expect(wildcards('0.0.0.0')).toEqual(['0.0.0.0'])
})

test('a port that becomes free is opened, and a stop while it is opened leaves nothing open', async () => {
  const listenOn = (number: number) =>
    new Promise<Server>((resolve, reject) => {
      const server = createServer().once('error', reject)
      server.listen(number, '127.0.0.1', () => resolve(server))
    })
  const closed = (server: Server | undefined) => new Promise((resolve) => server?.close(resolve) ?? resolve(undefined))
  const holder = await listenOn(0)
  const address = holder.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  const port = new ListeningPort({
    target: { ...target, port: address.port },
    hosts: ['127.0.0.1'],
    listen: () => listenOn(address.port),
    logger: keepingLogger().logger,
    clock: systemClock,
    retry: { initialMilliseconds: 10, maxMilliseconds: 20 },
  })
  await port.start()
  expect(port.state()).toMatchObject({ state: 'failed', reason: { code: 'PORT_IN_USE' } })
  await closed(holder)
  await waitFor(() => expect(port.state()).toEqual({ state: 'listening' }))
  await closed(await port.stop())

  const starting = port.start()
  const server = await port.stop()
  await starting
  await closed(server)
  await closed(await listenOn(address.port))
})
