import { createServer, type Socket } from 'node:net'
import { expect, test } from 'vitest'
import { listen } from '../../../src/edge/proxy/listener.ts'
import { waitFor } from '../../support/wait-for.ts'
import { controller, dial, later, proxyHost, startProxy, withoutNetwork } from './support.ts'

const moduleAt = (path: string) => JSON.stringify(new URL(`../../../src/edge/${path}`, import.meta.url).href)
const unused = { onConnection: () => undefined, onAcceptError: () => undefined }

test('a port that another process holds is failed with the reason, the others serve, and it recovers by itself', async () => {
  const { port: good } = await controller((socket) => socket.write('good'))
  const { port: taken } = await controller((socket) => socket.write('taken'))
  const holder = createServer()
  await new Promise<void>((resolve) => holder.listen(taken, proxyHost, resolve))
  later(() => holder.close())

  const { state, lines } = await startProxy({
    ports: [taken, good],
    tuning: { retry: { initialMilliseconds: 50, maxMilliseconds: 100 } },
  })
  expect(state(taken)).toMatchObject({
    state: 'failed',
    reason: { code: 'PORT_IN_USE', message: `TCP port ${taken} is held by another process` },
  })
  expect(state(taken).reason?.remedy).toContain(`ss -ltnp 'sport = :${taken}'`)
  const client = dial(good)
  await waitFor(() => expect(client.received().toString()).toBe('good'))

  await new Promise((resolve) => holder.close(resolve))
  await waitFor(() => expect(state(taken).state).toBe('listening'))
  expect(state(taken).reason).toBeUndefined()
  expect(lines.filter((line) => line.includes('held by another process'))).toHaveLength(1)
  const late = dial(taken)
  await waitFor(() => expect(late.received().toString()).toBe('taken'))
})

test('a port that stays taken does not keep the proxy from stopping', async () => {
  const { port: taken } = await controller(() => {})
  const holder = createServer()
  await new Promise<void>((resolve) => holder.listen(taken, proxyHost, resolve))
  later(() => holder.close())
  const { proxy, state } = await startProxy({
    ports: [taken],
    tuning: { retry: { initialMilliseconds: 60_000, maxMilliseconds: 60_000 } },
  })
  await proxy.stop(new AbortController().signal)
  expect(state().state).toBe('closed')
})

test('an address that this machine does not have is told as such, and nothing is left open', async () => {
  // 2001:db8::/32 is for documentation: no machine has an address of it, as a kernel without IPv6 has no `::`.
  await expect(listen({ ...unused, host: '2001:db8::1', port: 0 })).rejects.toMatchObject({ code: 'EADDRNOTAVAIL' })
})

test('dual stack serves IPv4 and IPv6 clients', async () => {
  const addresses: (string | undefined)[] = []
  const onConnection = (client: Socket) => {
    addresses.push(client.remoteAddress)
    client.resetAndDestroy()
  }
  const listenOn = (host: string) => listen({ ...unused, host, port: 0, onConnection })
  // Not every machine that runs this has IPv6.
  const server = await listenOn('::').catch(() => listenOn('0.0.0.0'))
  later(() => server.close())
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  await dial(address.port, { host: '127.0.0.1' }).closed
  if (address.family === 'IPv6') await dial(address.port, { host: '::1' }).closed
  const expected = address.family === 'IPv6' ? ['::ffff:127.0.0.1', '::1'] : ['127.0.0.1']
  await waitFor(() => expect(addresses).toEqual(expected))
})

test('a privileged port is told from one that is in use', async ({ skip }) => {
  skip(process.geteuid?.() !== 0, 'only root can make a network namespace')
  const program = `
    const { listen } = await import(${moduleAt('proxy/listener.ts')})
    const { listenFault } = await import(${moduleAt('listening/listen-fault.ts')})
    const target = { protocol: 'tcp', port: 443, setting: 'proxy.ports' }
    const none = () => undefined
    await listen({ host: '0.0.0.0', port: 443, onConnection: none, onAcceptError: none })
      .then(() => console.log('opened'), (error) => console.log(listenFault(target, error).code))`
  expect(await withoutNetwork(program)).toBe('PORT_PRIVILEGED')
})
