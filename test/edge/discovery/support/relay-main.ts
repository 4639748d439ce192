import { configSchema } from '../../../../src/config/schema.ts'
import { systemClock } from '../../../../src/core/clock.ts'
import { createLogger } from '../../../../src/core/logger.ts'
import { Warnings } from '../../../../src/core/warnings.ts'
import { Discovery } from '../../../../src/edge/discovery/discovery.ts'
import { networkAccess } from '../../../../src/network/access.ts'
import { controllerLink } from '../../../../src/network/controller-link.ts'
import { interfaceWatch } from '../../../../src/network/interfaces.ts'
import { Routing } from '../../../../src/network/routes.ts'

// A Discovery with the real addresses and routes of the network namespace it runs in; told by its parent when to say how
// it is. The first argument is the configuration as JSON. Ends with its parent.

const config = configSchema.parse(JSON.parse(process.argv[2] ?? '{}'))
const logger = createLogger({ level: 'warn', format: 'human', write: (line) => void process.stderr.write(line) })
const clock = systemClock
const addresses = interfaceWatch({ logger, clock, intervalMilliseconds: 100 })
const routing = new Routing({ addresses, clock })
const access = networkAccess({ list: () => config.access.devices, routing })
const discovery = new Discovery({
  config,
  logger,
  clock,
  dependencies: {
    live: () => config,
    bridgeSubnet: () => config.network.subnet,
    controllerAddress: controllerLink({ address: () => config.network.controllerAddress, routing }),
    routing,
    access,
    warnings: new Warnings({ logger, clock }).source({ name: 'discovery' }),
    omadacId: () => undefined,
    managementConnections: () => ({ open: 0 }),
  },
})

const { signal } = new AbortController()
await addresses.start(signal)
await discovery.start(signal)
process.on('message', (id: number) => {
  process.send?.({ id, value: { ...discovery.state(), seen: discovery.devices() } })
})
process.once('disconnect', () => process.exit())
process.send?.({ ready: true })
