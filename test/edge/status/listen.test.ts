import { expect, test } from 'vitest'
import { listenFault, listenOnFirst } from '../../../src/edge/status/listen.ts'

const systemError = (code: string) => Object.assign(new Error(`listen ${code}`), { code })

test('a kernel without IPv6 is served on IPv4 alone', async () => {
  const tried: string[] = []
  const listen = async (host: string) => {
    tried.push(host)
    if (host === '::') throw systemError('EAFNOSUPPORT')
    return host
  }
  expect(await listenOnFirst(['::', '0.0.0.0'], listen)).toBe('0.0.0.0')
  expect(tried).toEqual(['::', '0.0.0.0'])
})

test('a port in use is not tried on another address', async () => {
  const tried: string[] = []
  const listen = async (host: string) => {
    tried.push(host)
    throw systemError('EADDRINUSE')
  }
  await expect(listenOnFirst(['::', '0.0.0.0'], listen)).rejects.toThrow('EADDRINUSE')
  expect(tried).toEqual(['::'])
})

test('no address at all is the last error', async () => {
  const listen = async () => {
    throw systemError('EADDRNOTAVAIL')
  }
  await expect(listenOnFirst(['::', '0.0.0.0'], listen)).rejects.toThrow('EADDRNOTAVAIL')
})

test.for([
  ['EADDRINUSE', 8090, 'PORT_IN_USE', 'status.port'],
  ['EACCES', 80, 'PORT_PRIVILEGED', 'ip_unprivileged_port_start'],
  ['EACCES', 8090, 'PORT_FAILED', 'tried again'],
  ['EMFILE', 8090, 'PORT_FAILED', 'tried again'],
] as const)('%s on port %d is %s', ([system, port, code, remedy]) => {
  const fault = listenFault(port, systemError(system))
  expect(fault).toMatchObject({ code, message: expect.stringContaining(String(port)) })
  expect(fault.remedy).toContain(remedy)
})
