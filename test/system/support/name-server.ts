import { Child } from '../../support/child.ts'
import type { Ledger } from '../../support/ledger.ts'
import type { Namespace } from '../../support/namespace.ts'
import type { MachineEngine } from './systemd-engine.ts'
import type { SystemdMachine } from './systemd-machine.ts'

/** Listens on port 53 of the address `argv[1]` and says of every name that it is at `argv[2]` (RFC 1035, UDP alone). */
const program = `
const [, listen, answer] = process.argv
const socket = require('dgram').createSocket({ type: 'udp4' })
socket.on('message', (query, from) => {
  let end = 12
  while (query[end] !== 0) end += query[end] + 1
  const question = query.subarray(12, end + 5)
  const isA = question.readUInt16BE(question.length - 4) === 1
  const header = Buffer.from([query[0], query[1], 0x81, 0x80, 0, 1, 0, isA ? 1 : 0, 0, 0, 0, 0])
  const record = Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, ...answer.split('.').map(Number)])
  socket.send(Buffer.concat([header, question, ...(isA ? [record] : [])]), from.port, from.address)
})
socket.bind(53, listen, () => console.log('listens'))
`

/** A name server of a machine's own, such as Pi-hole; it replaces the one before. @param listen an address of the machine's */
export async function serveNames(machine: SystemdMachine, listen: string, answer: string): Promise<void> {
  await machine.try(['systemctl', 'stop', 'pihole.service'])
  const node = '/usr/local/bin/pihole-node'
  await machine.copyIn(process.execPath, node)
  await machine.exec(['systemd-run', '--quiet', '--collect', '--unit=pihole', node, '-e', program, listen, answer])
  await machine.exec(['sh', '-c', `until ss -Hlun "sport = :53" | grep -q "$1:53"; do sleep 0.05; done`, 'sh', listen])
}

/** A name server somewhere on a LAN. */
export async function serveNamesIn(ledger: Ledger, namespace: Namespace, answer: string): Promise<void> {
  const argv = namespace.enter([process.execPath, '-e', program, '0.0.0.0', answer])
  const child = await Child.start(ledger, { what: 'name server', argv, graceMilliseconds: 1000 })
  await child.line((line) => line === 'listens' || undefined, 10_000)
}

/** What a name is resolved to in the controller's container, and whom it asks. */
export async function namesInside(engine: MachineEngine): Promise<{ address: string; asked: string[] }> {
  const script = `const dns = require('dns'); dns.resolve4('cloud.example.org', (error, all) => console.log(JSON.stringify({ address: error ? error.code : all[0], asked: dns.getServers() })))`
  return JSON.parse(await engine.run(['exec', 'omada-controller', '/opt/standin/node', '-e', script]))
}
