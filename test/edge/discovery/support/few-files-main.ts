import { systemClock } from '../../../../src/core/clock.ts'
import { Relay } from '../../../../src/edge/discovery/relay.ts'
import { SeenDevices } from '../../../../src/edge/discovery/seen-devices.ts'
import { RateLimitedWarnings } from '../../../../src/edge/discovery/warnings.ts'
import { configFor, containerAddress, keepingLogger, portsFor } from './edge.ts'
import { Peer } from './peer.ts'

// Run with few open files allowed: relays a datagram from each of more devices than there are files, and prints what
// came of it.

const devices = 500
const container = await Peer.open(containerAddress)
const { logger, lines } = keepingLogger()
const ports = portsFor()
const relay = new Relay({
  config: configFor({ discovery: { ratePerSource: 10_000 } }),
  logger,
  clock: systemClock,
  ports,
  devices: new SeenDevices({ clock: systemClock, ports }),
  warnings: new RateLimitedWarnings({ logger, clock: systemClock }),
  exitTowards: () => undefined,
  onPeerMessage: () => {},
})
for (let port = 1; port <= devices; port++) {
  const payload = Buffer.from(`${port}`)
  relay.receive({ payload, address: '127.0.0.9', port, discoveryPort: container.port, localAddress: undefined })
  await systemClock.sleep(0)
}
for (let tries = 0; tries < 100 && container.received.length < devices; tries++) await systemClock.sleep(20)
const sessions = relay.sessions
relay.close()
await container.close()
console.log(JSON.stringify({ arrived: container.received.length, sessions, outcomes: relay.outcomes(), lines }))
