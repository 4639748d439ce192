import { setTimeout as delay } from 'node:timers/promises'
import { formatIpv4, parseIpv4 } from '../../src/core/cidr.ts'
import { SimulatedDevice } from '../standin/device/device.ts'
import { factoryControllerId } from '../standin/protocol/messages.ts'
import { countNames, type FleetCounts, type FleetMember, type FleetOptions, noCounts } from './fleet.ts'

// The child side of a Fleet: prints the sums every second, and at its end, on SIGTERM, what each device did.
const options = JSON.parse(process.argv[2] ?? '') as Omit<FleetOptions, 'namespace'>
const first = parseIpv4(options.firstAddress) ?? 0
const announceMilliseconds = options.announceSeconds * 1000

const members: FleetMember[] = []
const devices = Array.from({ length: options.count }, (_, index) => {
  const hex = index.toString(16).padStart(4, '0').toUpperCase()
  const mac = `AA-BB-CC-F0-${hex.slice(0, 2)}-${hex.slice(2)}`
  const address = formatIpv4(first + index)
  const member = { mac, address, ...noCounts }
  members.push(member)
  return new SimulatedDevice({
    class: 'ap',
    mac,
    model: 'EAP670',
    name: `Room ${index}`,
    address,
    announceTo: options.announceTo,
    port: 29_810,
    webPort: 8043,
    announceMilliseconds,
    informMilliseconds: options.informSeconds * 1000,
    clockSkewSeconds: 0,
    followNamedAddress: false,
    password: 'admin',
    controllerId: factoryControllerId,
    retryMilliseconds: 1000,
    // Spread over the period, as devices are that were switched on at different times.
    delayMilliseconds: (announceMilliseconds / options.count) * index,
    announceWhileConnected: true,
    onEvent: ({ event, to }) => {
      if (event === 'announced') {
        member.datagrams += 1
        if (to === `${options.announceTo[0]}:29810`) member.announces += 1
      } else if (event === 'announceFailed') member.unsent += 1
      else if (event === 'connected') member.connects += 1
      else if (event === 'connectFailed') member.failures += 1
      else if (event === 'disconnected') member.disconnects += 1
      else if (event === 'informed') member.informs += 1
    },
  })
})

function sums(): FleetCounts {
  const total = { ...noCounts }
  for (const member of members) {
    for (const name of countNames) total[name] += member[name]
  }
  return total
}

const ending = new AbortController()
process.on('SIGTERM', () => ending.abort())
process.stdout.on('error', () => ending.abort())
for (const device of devices) await device.start()
while (!ending.signal.aborted) {
  console.log(JSON.stringify({ sums: sums() }))
  await delay(1000, undefined, { signal: ending.signal }).catch(() => undefined)
}
// What is open now does not get lost, it is closed.
const disconnects = members.map((member) => member.disconnects)
await Promise.all(devices.map((device) => device.stop()))
console.log(
  JSON.stringify({ members: members.map((member, index) => ({ ...member, disconnects: disconnects[index] })) }),
)
