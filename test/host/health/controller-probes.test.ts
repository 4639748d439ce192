import { type AddressInfo, createServer, type Server } from 'node:net'
import { afterEach, expect, it } from 'vitest'
import { probePorts } from '../../../src/host/health/controller-probes.ts'

const servers: Server[] = []
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => new Promise((resolve) => server.close(resolve))))
})

async function listening(): Promise<number> {
  const server = createServer((socket) => socket.on('error', () => {}).resume())
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}

it('names the ports that do not accept, and why', async () => {
  const [one, two] = [await listening(), await listening()]
  const closed = servers.splice(1, 1)
  await Promise.all(closed.map((server) => new Promise((resolve) => server.close(resolve))))
  expect(await probePorts('127.0.0.1', [one, two], AbortSignal.timeout(5000))).toEqual({
    ok: false,
    message: `${two}: connect ECONNREFUSED 127.0.0.1:${two}`,
  })
})

it('leaves no connection open', async () => {
  const port = await listening()
  expect(await probePorts('127.0.0.1', [port], AbortSignal.timeout(5000))).toEqual({ ok: true })
  await expect
    .poll(() => new Promise((resolve) => servers[0]?.getConnections((_, count) => resolve(count))), { timeout: 5000 })
    .toBe(0)
})

it('fails at once when it is aborted', async () => {
  const port = await listening()
  expect(await probePorts('127.0.0.1', [port], AbortSignal.abort())).toEqual({
    ok: false,
    message: `${port}: The operation was aborted`,
  })
})
