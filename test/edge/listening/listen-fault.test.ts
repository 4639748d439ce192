import { expect, test } from 'vitest'
import { type ListenTarget, listenFault } from '../../../src/edge/listening/listen-fault.ts'

const systemError = (code: string) => Object.assign(new Error(`listen ${code}`), { code })
const statusPage = { protocol: 'tcp', purpose: 'the status page', setting: 'status.port' } as const

test.for([
  ['EADDRINUSE', 8090, 'PORT_IN_USE', 'status.port'],
  ['EADDRINUSE', 8090, 'PORT_IN_USE', "ss -ltnp 'sport = :8090'"],
  ['EACCES', 80, 'PORT_PRIVILEGED', 'ip_unprivileged_port_start to 80'],
  ['EACCES', 8090, 'PORT_FAILED', 'tried again'],
  ['EMFILE', 8090, 'PORT_FAILED', 'tried again'],
] as const)('%s on port %d is %s, with a remedy that names %s', ([system, port, code, remedy]) => {
  const fault = listenFault({ ...statusPage, port }, systemError(system))
  expect(fault).toMatchObject({ code, message: expect.stringContaining(String(port)) })
  expect(fault.remedy).toContain(remedy)
})

test.for<[ListenTarget, string]>([
  [{ protocol: 'tcp', port: 8043, setting: 'proxy.ports' }, 'TCP port 8043 is held by another process'],
  [{ ...statusPage, port: 8090 }, 'TCP port 8090 of the status page is held by another process'],
  [
    { protocol: 'udp', port: 29_810, address: '192.0.2.1', setting: 'discovery.ports' },
    'UDP port 29810 on 192.0.2.1 is held by another process',
  ],
])('what is held is named in one form for all: %j', ([target, message]) => {
  expect(listenFault(target, systemError('EADDRINUSE')).message).toBe(message)
})

test('UDP sockets are looked for as such', () => {
  const fault = listenFault({ protocol: 'udp', port: 27_001, setting: 'discovery.ports' }, systemError('EADDRINUSE'))
  expect(fault.remedy).toContain("ss -lunp 'sport = :27001'")
})

test('any other failure is passed on with its text', () => {
  const fault = listenFault({ ...statusPage, port: 8090 }, systemError('EADDRNOTAVAIL'))
  expect(fault).toMatchObject({ code: 'PORT_FAILED', message: expect.stringContaining('EADDRNOTAVAIL') })
})
