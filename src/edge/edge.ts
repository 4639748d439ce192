import { readFileSync } from 'node:fs'
import type { CertificatePair } from '../config/certificate.ts'
import type { Config } from '../config/schema.ts'
import { isCidr } from '../core/cidr.ts'
import type { Clock } from '../core/clock.ts'
import { Emitter } from '../core/emitter.ts'
import type { Logger, LogLevel } from '../core/logger.ts'
import { Periodic } from '../core/periodic.ts'
import { supervise } from '../core/supervise.ts'
import { type InstanceFault, Warnings } from '../core/warnings.ts'
import { StateSubscription } from '../ipc/client.ts'
import type { EdgeState } from '../ipc/edge-state.ts'
import { type HistoryEntry, type HostState, stateVersion } from '../ipc/host-state.ts'
import type { Paths } from '../ipc/paths.ts'
import { StateServer } from '../ipc/server.ts'
import { openFilesWarning } from '../linux/open-files.ts'
import { NetworkAccess } from '../network/access.ts'
import { controllerLink } from '../network/controller-link.ts'
import { InterfaceWatcher } from '../network/interfaces.ts'
import { NeighbourWatch } from '../network/neighbours.ts'
import { Routing } from '../network/routes.ts'
import { managementPort, type Role } from '../omada/ports.ts'
import { Discovery } from './discovery/discovery.ts'
import { TcpProxy } from './proxy/proxy.ts'
import { decideWebUpstream } from './proxy/web-upstream.ts'
import { EdgeChanges } from './reload.ts'
import { createSelfCheck } from './self-check.ts'
import { StatusServer } from './status/server.ts'

export interface EdgeOptions {
  /** What may change at run time is changed in place. */
  readonly config: Config
  readonly paths: Paths
  readonly logger: Logger
  readonly clock: Clock
  readonly signal: AbortSignal
  /** The user's certificate for the waiting room. */
  readonly certificate?: CertificatePair
  /** Group that may read the edge's state socket. */
  readonly stateGroup?: number
  readonly started?: () => void
  /** Called at each sign of life; given, the edge looks for its own. @param within until the next one, in milliseconds */
  readonly alive?: (within: number) => void
  /** Called first when the edge ends in order. */
  readonly ending?: () => Promise<void>
  /** There when the host hands over what changes while the edge runs. */
  readonly setLogLevel?: (level: LogLevel) => void
}

/** How often readers of the edge's state hear of changed counters, in milliseconds. */
const tellEvery = 2000

/** How many changes the edge's history keeps. */
const historyLimit = 50

/** Serves every LAN socket until `signal` aborts. Never talks to the engine; needs no privilege. */
export async function runEdge(options: EdgeOptions): Promise<void> {
  const { config, clock, paths } = options
  const logger = options.logger.child({ component: 'edge' })
  const bornAt = clock.now()
  const startedAt = new Date(clock.wall()).toISOString()

  const addresses = new InterfaceWatcher({ logger, clock })
  const routing = new Routing({ addresses, clock })
  const controllerAddress = controllerLink({ address: () => config.network.controllerAddress, routing })
  const host = new StateSubscription<HostState>({ logger, clock, path: paths.hostStateSocket })
  const live = () => config
  const policy = (role: Role) => new NetworkAccess({ list: () => live().access[role], routing })
  const access = { devices: policy('devices'), management: policy('management'), guests: policy('guests') }
  const { setLogLevel } = options
  let { certificate } = options
  const changes =
    setLogLevel === undefined
      ? undefined
      : new EdgeChanges({
          running: config,
          certificate,
          path: paths.handoverFile,
          logger,
          clock,
          setLogLevel,
          applied: () => changed.emit(),
          renew: async (newer) => {
            certificate = newer
            await proxy.renewCertificate()
          },
        })

  const proxy = new TcpProxy({
    config,
    logger: logger.child({ component: 'proxy' }),
    clock,
    ports: {
      controllerAddress,
      access: (role) => access[role],
      arrivesBy: (remote) => (routing.isOwn(remote) ? undefined : routing.interfaceTowards(remote)),
      webUpstream: () =>
        decideWebUpstream({
          state: host.last(),
          current: host.current() !== undefined,
          edgeAgeMilliseconds: clock.now() - bornAt,
        }),
      certificate: async () => certificate,
      stateDirectory: paths.edgeStateDirectory,
    },
  })
  const warnings = new Warnings({ logger, clock })
  let history: readonly HistoryEntry[] = []
  warnings.history.on((entry) => {
    history = [...history, entry].slice(-historyLimit)
  })
  const ofMachine = warnings.source({ name: 'machine' })
  const ofConfiguration = warnings.source({ name: 'configuration' })
  const discovery = new Discovery({
    config,
    logger: logger.child({ component: 'discovery' }),
    clock,
    dependencies: {
      live,
      bridgeSubnet: () => config.network.subnet,
      controllerAddress,
      routing,
      access: access.devices,
      warnings: warnings.source({ name: 'discovery' }),
      omadacId: () => host.last()?.controller.omadacId,
      managementConnections: (address) => proxy.connectionsFrom(managementPort, address),
    },
  })

  const neighbours = new NeighbourWatch({
    logger,
    clock,
    warnings: warnings.source({ name: 'neighbours' }),
    read: () => readFileSync('/proc/net/stat/arp_cache', 'utf8'),
  })
  const openFiles = openFilesWarning(config, () => readFileSync('/proc/self/limits', 'utf8'))
  const edgeState = (): EdgeState => ({
    stateVersion,
    startedAt,
    discovery: discovery.state(),
    proxy: { ports: proxy.state() },
    status: status.state(),
    devices: discovery.devices(),
    warnings: warnings.list(),
    history,
  })
  const changed = new Emitter<void>()
  const status = new StatusServer({
    config,
    logger: logger.child({ component: 'status' }),
    clock,
    sources: { host: () => host.current(), edge: edgeState },
    access: access.management,
    changed,
  })
  const stateServer = new StateServer<EdgeState>({
    logger,
    path: paths.edgeStateSocket,
    mode: 0o660,
    ...(options.stateGroup === undefined ? {} : { group: options.stateGroup }),
    store: { get: edgeState, changed },
  })
  const telling = new Periodic({
    name: 'edge-state',
    logger,
    clock,
    intervalMilliseconds: tellEvery,
    work: () => {
      ofMachine.set([...openFiles, ...unknownInterfaces(config, addresses)])
      ofConfiguration.set(changes?.warnings() ?? [])
      changed.emit()
    },
  })
  host.changed.on(() => {
    // A controller that has just started brought its bridge up: without a look the proxies would miss it for a moment.
    addresses.look()
    changed.emit()
  })

  await supervise({
    logger,
    components: [
      addresses,
      neighbours,
      host,
      proxy,
      discovery,
      status,
      stateServer,
      telling,
      ...(changes === undefined ? [] : [changes.component()]),
      ...(options.alive === undefined
        ? []
        : [createSelfCheck({ path: paths.edgeStateSocket, logger, clock, alive: options.alive })]),
    ],
    signal: options.signal,
    stopMilliseconds: (config.proxy.drainSeconds + 5) * 1000,
    started: () => {
      logger.info({ statusPort: config.status.port }, 'the edge serves')
      options.started?.()
    },
    stopping: async () => await options.ending?.(),
  })
}

function unknownInterfaces(config: Config, addresses: InterfaceWatcher): InstanceFault[] {
  const known = new Set(addresses.list().map((local) => local.interface))
  return Object.entries(config.access).flatMap(([role, list]) =>
    (list === 'any' ? [] : list)
      .filter((entry) => !isCidr(entry) && !known.has(entry))
      .map(
        (entry): InstanceFault => ({
          instance: `${role} ${entry}`,
          code: 'ACCESS_UNKNOWN_INTERFACE',
          message: `access.${role} names the interface "${entry}", which has no address on this machine now`,
          remedy: `correct access.${role}; interfaces with an address: ${[...known].join(', ')}`,
        }),
      ),
  )
}
