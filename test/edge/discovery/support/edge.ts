import { type Config, configSchema } from '../../../../src/config/schema.ts'
import { type Clock, systemClock } from '../../../../src/core/clock.ts'
import { Emitter } from '../../../../src/core/emitter.ts'
import { createLogger, type Logger } from '../../../../src/core/logger.ts'
import { Warnings } from '../../../../src/core/warnings.ts'
import { Admission } from '../../../../src/edge/discovery/admission.ts'
import type { DiscoveryDependencies } from '../../../../src/edge/discovery/dependencies.ts'
import { Discovery } from '../../../../src/edge/discovery/discovery.ts'
import { BroadcastTally, intakeOf } from '../../../../src/edge/discovery/intake.ts'
import { OtherAppliances } from '../../../../src/edge/discovery/other-appliances.ts'
import { Outcomes } from '../../../../src/edge/discovery/outcomes.ts'
import { Relay } from '../../../../src/edge/discovery/relay.ts'
import { SeenDevices } from '../../../../src/edge/discovery/seen-devices.ts'
import { controllerLink } from '../../../../src/network/controller-link.ts'
import type { LocalAddress, LocalAddresses } from '../../../../src/network/interfaces.ts'
import { Routing } from '../../../../src/network/routes.ts'
import { encodeFrame } from '../../../../src/omada/frame.ts'

/** Where the tests' "container" lives: loopback answers for all of 127.0.0.0/8. */
export const containerAddress = '127.0.81.10'

export function configFor(overrides: { discovery?: object; network?: object } = {}): Config {
  return configSchema.parse({
    discovery: { ...overrides.discovery },
    network: { subnet: '127.0.81.0/24', controllerAddress: containerAddress, ...overrides.network },
  })
}

/** A logger that keeps its lines. */
export function keepingLogger(): { logger: Logger; lines: string[] } {
  const lines: string[] = []
  return {
    logger: createLogger({ level: 'debug', format: 'human', write: (line) => void lines.push(line) }),
    lines,
  }
}

/** An address of loopback in the part of one of a LAN. */
export function local(address: string, prefix = 8): LocalAddress {
  return { interface: 'lo', address, family: 'ipv4', prefix, internal: false }
}

/** Local addresses that the test sets. */
export class SetAddresses implements LocalAddresses {
  readonly changed = new Emitter<readonly LocalAddress[]>()
  #list: readonly LocalAddress[]

  constructor(list: readonly LocalAddress[]) {
    this.#list = list
  }

  list(): readonly LocalAddress[] {
    return this.#list
  }

  set(list: readonly LocalAddress[]): void {
    this.#list = list
    this.changed.emit(list)
  }
}

/** What of a configuration the edge's composition tells discovery. */
export function configured(config: Config): Pick<DiscoveryDependencies, 'live' | 'bridgeSubnet'> {
  return { live: () => config, bridgeSubnet: () => config.network.subnet }
}

export type TestDependencies = DiscoveryDependencies & { readonly addresses: SetAddresses }
export type DependencyChanges = Partial<TestDependencies> & {
  /** The address by which every device is reached; 127.0.0.1 unless given. */
  readonly towards?: (remote: string) => LocalAddress | undefined
}

/** Everything admitted, two local addresses, and the safety rule of the data path. */
export function dependenciesFor({ towards, ...overrides }: DependencyChanges = {}): TestDependencies {
  const addresses = overrides.addresses ?? new SetAddresses([local('127.0.0.1'), local('127.0.1.1')])
  const routing = new Routing({ addresses, clock: systemClock, readRoutes: () => '' })
  return {
    ...configured(configFor()),
    access: { admits: () => true, servedAddresses: () => addresses.list() },
    routing: {
      addresses,
      isOwn: (remote) => routing.isOwn(remote),
      localAddressTowards: towards ?? (() => local('127.0.0.1')),
    },
    controllerAddress: controllerLink({ address: () => containerAddress, routing }),
    warnings: new Warnings({ logger: keepingLogger().logger, clock: systemClock }).source({ name: 'discovery' }),
    omadacId: () => undefined,
    managementConnections: () => ({ open: 0 }),
    ...overrides,
    addresses,
  }
}

/** A Discovery on real sockets. */
export function discoveryFor(options: {
  config: Config
  dependencies?: DiscoveryDependencies
  logger?: Logger
  clock?: Clock
}): Discovery {
  return new Discovery({
    config: options.config,
    logger: options.logger ?? keepingLogger().logger,
    clock: options.clock ?? systemClock,
    dependencies: { ...(options.dependencies ?? dependenciesFor()), ...configured(options.config) },
  })
}

/**
 * Discovery's way in and out without listening sockets, and so without a way out to devices: on loopback the wildcard's
 * would take what is sent to a container that is not there.
 */
export function withoutListeners(options: {
  config: Config
  dependencies: DiscoveryDependencies
  logger: Logger
  clock?: Clock
}) {
  const { config, dependencies } = options
  const shared = { clock: systemClock, ...options }
  const { routing, warnings } = dependencies
  const exits = { towards: () => undefined, broadcast: async () => {} }
  const devices = new SeenDevices(shared)
  const outcomes = new Outcomes(shared)
  const relay = new Relay({ ...shared, outcomes, devices, exits })
  const takeIn = intakeOf({
    admission: new Admission({ ...shared, isOwnPort: (port) => relay.sessions.hasLocalPort(port) }),
    broadcasts: new BroadcastTally({ ...shared, routing }),
    others: new OtherAppliances({ ...shared, warnings, routing, exits, networks: () => [] }),
    ...{ devices, outcomes, relay, warnings },
    ratePerSource: config.discovery.ratePerSource,
  })
  return { takeIn, relay, devices, outcomes }
}

/** A DISCOVERY as an access point sends it. */
export function announceOf(header: object = {}, body: object = {}): Buffer {
  return encodeFrame(
    JSON.stringify({
      header: {
        mac: 'AA-BB-CC-00-00-01',
        type: 1,
        device: 'ap',
        version: '2.0.0',
        timestamp: Date.now(),
        seq: 1,
        ...header,
      },
      body: {
        deviceInfo: { ip: '192.0.2.7', model: 'EAP670', name: 'Lobby', firmwareVersion: '1.2.3', modelVersion: '1.0' },
        controllerSetting: { controllerId: 'c21f969b5f03d33d43e04f8f136e7682' },
        ...body,
      },
    }),
  )
}

/** A PRE_ADOPT_REQUEST as the controller sends it. */
export function preAdoptOf(body: object = {}, header: object = {}): Buffer {
  return encodeFrame(JSON.stringify({ header: { type: 2, seq: 1, ...header }, body: { adoptPort: 29814, ...body } }))
}
