import { systemClock } from '../../../../src/core/clock.ts'
import { Warnings } from '../../../../src/core/warnings.ts'
import { configFor, containerAddress, dependenciesFor, keepingLogger, withoutListeners } from './edge.ts'
import { Peer } from './peer.ts'

// Run with few open files allowed: relays a datagram from each of more devices than there are files, and prints what
// came of it.

const devices = 500
const container = await Peer.open(containerAddress)
const { logger, lines } = keepingLogger()
const { takeIn, relay, outcomes } = withoutListeners({
  config: configFor({ discovery: { ratePerSource: 10_000 } }),
  dependencies: dependenciesFor({
    warnings: new Warnings({ logger, clock: systemClock }).source({ name: 'discovery' }),
  }),
  logger,
})
for (let port = 1; port <= devices; port++) {
  const payload = Buffer.from(`${port}`)
  takeIn({ payload, address: '127.0.0.9', port, discoveryPort: container.port, localAddress: undefined })
  await systemClock.sleep(0)
}
for (let tries = 0; tries < 100 && container.received.length < devices; tries++) await systemClock.sleep(20)
const sessions = relay.sessions.size
relay.close()
await container.close()
console.log(JSON.stringify({ arrived: container.received.length, sessions, outcomes: outcomes.snapshot(), lines }))
