import { readFileSync } from 'node:fs'
import { isoTime } from '../core/clock.ts'
import { Emitter } from '../core/emitter.ts'
import type { LogLevel } from '../core/logger.ts'
import { periodic } from '../core/periodic.ts'
import { supervise } from '../core/supervise.ts'
import { Warnings } from '../core/warnings.ts'
import { StateSubscription } from '../ipc/client.ts'
import type { EdgeState } from '../ipc/edge-state.ts'
import { type HostState, stateVersion } from '../ipc/host-state.ts'
import type { Paths } from '../ipc/paths.ts'
import { StateServer } from '../ipc/server.ts'
import { openFilesWarning } from '../linux/open-files.ts'
import { networkAccess, unknownInterfaces } from '../network/access.ts'
import { controllerLink } from '../network/controller-link.ts'
import { interfaceWatch } from '../network/interfaces.ts'
import { neighbourWatch } from '../network/neighbours.ts'
import { Routing } from '../network/routes.ts'
import { managementPort, type Role } from '../omada/ports.ts'
import { Discovery } from './discovery/discovery.ts'
import { InForce, type InForceOptions } from './in-force.ts'
import { TcpProxy } from './proxy/proxy.ts'
import { decideWebUpstream } from './proxy/web-upstream.ts'
import { StatusServer } from './status/server.ts'
import { type Alive, selfCheck } from './watchdog.ts'

export interface EdgeOptions extends InForceOptions {
  readonly paths: Paths
  readonly setLogLevel: (level: LogLevel) => void
  readonly signal: AbortSignal
  readonly started: () => void
  /** Called first when the edge ends in order. @param drainSeconds how long its connections may finish */
  readonly ending: (drainSeconds: number) => Promise<void>
  /** Called at each sign of life; given, the edge looks for its own. */
  readonly alive?: Alive | undefined
}

/** How often readers of the edge's state hear of changed counters. */
const tellMilliseconds = 2000

/** Serves every LAN socket until `signal` aborts. Never talks to the engine; needs no privilege. */
export async function runEdge(options: EdgeOptions): Promise<void> {
  const logger = options.logger.child({ component: 'edge' })
  const inForce = new InForce({ ...options, logger })
  inForce.changed.on(() => options.setLogLevel(inForce.config.log.level))
  await inForce.start(options.signal)
  try {
    await serve({ ...options, logger }, inForce)
  } finally {
    await inForce.stop()
    if (options.signal.aborted) await inForce.forget()
  }
}

async function serve(options: EdgeOptions, inForce: InForce): Promise<void> {
  const { logger, clock, paths } = options
  const { config } = inForce
  const live = () => inForce.config
  const bornAt = clock.now()
  const startedAt = isoTime(clock)

  const addresses = interfaceWatch({ logger, clock })
  const routing = new Routing({ addresses, clock })
  const controllerAddress = controllerLink({ address: () => inForce.controllerAddress, routing })
  const host = new StateSubscription<HostState>({ logger, clock, path: paths.hostStateForEdgeSocket })
  const policy = (role: Role) => networkAccess({ list: () => live().access[role], routing })
  const access = { devices: policy('devices'), management: policy('management'), guests: policy('guests') }
  const warnings = new Warnings({ logger, clock })
  const proxy = new TcpProxy({
    config,
    logger: logger.child({ component: 'proxy' }),
    clock,
    dependencies: {
      controllerAddress,
      access: (role) => access[role],
      arrivesBy: (remote) => (routing.isOwn(remote) ? undefined : routing.interfaceTowards(remote)),
      webUpstream: () =>
        decideWebUpstream({
          state: host.last(),
          current: host.current() !== undefined,
          edgeAgeMilliseconds: clock.now() - bornAt,
        }),
      certificate: async () => inForce.certificate,
      stateDirectory: paths.edgeStateDirectory,
      warnings: warnings.source({ name: 'waiting-room' }),
    },
  })
  const discovery = new Discovery({
    config,
    logger: logger.child({ component: 'discovery' }),
    clock,
    dependencies: {
      live,
      bridgeSubnet: () => live().network.subnet,
      controllerAddress,
      routing,
      access: access.devices,
      warnings: warnings.source({ name: 'discovery' }),
      omadacId: () => host.last()?.controller.omadacId,
      managementConnections: (address) => proxy.connectionsFrom(managementPort, address),
    },
  })

  const neighbours = neighbourWatch({
    logger,
    clock,
    warnings: warnings.source({ name: 'neighbours' }),
    read: () => readFileSync('/proc/net/stat/arp_cache', 'utf8'),
  })
  const ofMachine = warnings.source({ name: 'machine' })
  const openFiles = openFilesWarning(config, () => readFileSync('/proc/self/limits', 'utf8'))
  const edgeState = (): EdgeState => ({
    stateVersion,
    startedAt,
    discovery: discovery.state(),
    proxy: { ports: proxy.state() },
    status: status.state(),
    // There can be thousands: they are looked at only for who wants them.
    get devices() {
      return discovery.devices()
    },
    warnings: warnings.list(),
    history: warnings.recent,
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
    store: { get: edgeState, changed },
  })
  const telling = periodic({
    name: 'edge-state',
    logger,
    clock,
    intervalMilliseconds: tellMilliseconds,
    work: () => {
      const interfaces = addresses.list().map((local) => local.interface)
      ofMachine.set([...openFiles, ...unknownInterfaces(live().access, interfaces)])
      changed.emit()
    },
  })
  const ofConfiguration = warnings.source({ name: 'configuration' })
  ofConfiguration.set(inForce.warnings())
  inForce.changed.on(() => {
    ofConfiguration.set(inForce.warnings())
    changed.emit()
  })
  inForce.certificateRenewed.on(() => void proxy.renewCertificate())
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
      ...(options.alive === undefined
        ? []
        : selfCheck({ path: paths.edgeSelfSocket, logger, clock, alive: options.alive })),
    ],
    signal: options.signal,
    stopMilliseconds: (config.proxy.drainSeconds + 5) * 1000,
    started: () => {
      logger.info({ statusPort: config.status.port }, 'the edge serves')
      options.started()
    },
    stopping: () => options.ending(config.proxy.drainSeconds),
  })
}
