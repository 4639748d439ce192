import { appliancePorts } from '../config/appliance-ports.ts'
import type { HostConfig } from '../config/schema.ts'
import type { Clock } from '../core/clock.ts'
import type { Component } from '../core/component.ts'
import { Emitter } from '../core/emitter.ts'
import type { Logger } from '../core/logger.ts'
import { periodic } from '../core/periodic.ts'
import { supervise } from '../core/supervise.ts'
import type { Warnings } from '../core/warnings.ts'
import { ControlServer } from '../ipc/control.ts'
import type { Paths } from '../ipc/paths.ts'
import { StateServer } from '../ipc/server.ts'
import { findPortHolders } from '../linux/port-holders.ts'
import { readConnections } from '../linux/tcp-connections.ts'
import { networkAccess } from '../network/access.ts'
import { controllerLink } from '../network/controller-link.ts'
import { readLocalAddresses } from '../network/interfaces.ts'
import { Routing } from '../network/routes.ts'
import { crashesDatabase } from '../omada/database-kernel.ts'
import { httpsPort, managementPort } from '../omada/ports.ts'
import type { Notifier } from '../systemd/notify.ts'
import { HostBook, probeTarget, runningContainer } from './book.ts'
import type { Configuration } from './configuration.ts'
import { readMachineFacts } from './controller/machine.ts'
import { Reconciler } from './controller/reconciler.ts'
import { RecordFile } from './controller/record.ts'
import { Astray } from './datapath/astray.ts'
import { containerWay } from './datapath/container-way.ts'
import { machineNames } from './datapath/database-peers.ts'
import { Datapath } from './datapath/datapath.ts'
import { engineRules, restoreByReload } from './datapath/engine-rules.ts'
import { fence } from './datapath/fence.ts'
import { nft } from './datapath/nft.ts'
import { reachRules } from './datapath/reach.ts'
import { reachFacts } from './datapath/reach-facts.ts'
import { RefusedPeers } from './datapath/refused-peers.ts'
import { joined } from './datapath/ruleset.ts'
import { segments } from './datapath/segments.ts'
import { DeviceAddress } from './device-address/device-address.ts'
import { openApiSettings } from './device-address/open-api-client.ts'
import { diskSpace } from './disks/disk-space.ts'
import { controllerPlaces, ownPlaces } from './disks/storage-places.ts'
import type { EdgeChannel } from './edge-channel.ts'
import { connectEngine } from './engine/choose.ts'
import { bidFarewell } from './farewell.ts'
import { HealthMonitor } from './health/monitor.ts'
import { unhealthyRestart } from './health/unhealthy-restart.ts'
import { registryLogin } from './images/auth-file.ts'
import { imageCheckJob } from './images/image-check.ts'
import { type HostService, signsOfLife, systemdStatus } from './systemd-status.ts'

export interface HostOptions {
  readonly configuration: Configuration
  /** Hears of the state, too: the edge by it of the container's address. */
  readonly channel: Pick<EdgeChannel, 'follow'>
  /** All that is wrong; what is to be said of the configuration is there already. */
  readonly warnings: Warnings
  readonly paths: Paths
  readonly logger: Logger
  readonly clock: Clock
  readonly version: string
  readonly signal: AbortSignal
  readonly notifier: Notifier
  /** The command that runs this program's probe child. */
  readonly probeCommand: readonly string[]
  /** Group that may read the state socket: the edge's. */
  readonly stateGroup?: number
  /** What lives and dies with this host and is served its state: the edge's process under `run`. */
  readonly companions?: readonly Component[]
  /** Says at the end of this process whether the controller is stopped, with its grace, or left running. */
  readonly controllerOnStop: () => Promise<'stop' | 'leave'>
  /** There when this process is a service of systemd's. */
  readonly service?: HostService
}

/** How often the holders of the appliance's ports are looked up, in milliseconds: a walk over /proc. */
const portHoldersMilliseconds = 15_000

/** How often the user's certificate is looked at, in milliseconds: who renews one by a program need not tell. */
const certificateMilliseconds = 600_000

/** TEST-NET-1 (RFC 5737), which is nobody's network: the way there is the default route. */
const documentationAddress = '192.0.2.1'

/** Keeps the controller as configured until `signal` aborts, and publishes what it knows. Wiring, and no more. */
export async function runHost(options: HostOptions): Promise<void> {
  const { configuration, clock, paths, warnings, notifier, version, probeCommand } = options
  const config: HostConfig = configuration.inForce
  const live = () => configuration.inForce
  const logger = options.logger.child({ component: 'host' })
  /** What a part with a log of its own is given. */
  const common = (component: string) => ({ config, live, clock, logger: logger.child({ component }) })

  const machine = await readMachineFacts()
  const health = new HealthMonitor({
    ...common('health'),
    warnings,
    probeCommand,
    databaseMayCrash: () =>
      crashesDatabase(machine, config) ||
      reconciler.snapshot().warnings.some(({ code }) => code === 'DATABASE_CRASHED'),
  })
  const ofDatapath = warnings.source({ name: 'datapath' })
  const rulesOfEngine = engineRules({
    ...common('engine-rules'),
    nft,
    warnings: ofDatapath,
    container: () => runningContainer(reconciler.snapshot(), config.controller.name),
    restore: (container, signal) => restoreByReload(container, signal, options.service !== undefined),
  })
  const reach = reachFacts({
    ...common('reach'),
    databaseUri: config.mongo.uri,
    machineNames: () => machine.names(),
    names: machineNames,
    localAddresses: readLocalAddresses,
  })
  const refusedPeers = new RefusedPeers({
    clock,
    allowed: () => reach.now(),
    warnings: warnings.source({ name: 'reach' }),
  })
  const astray = new Astray({ clock, warnings: warnings.source({ name: 'astray' }) })
  const datapath = new Datapath({
    ...common('datapath'),
    nft,
    warnings: ofDatapath,
    ruleset: (network) =>
      joined(fence([network]), reachRules(reach.now()), segments(live().network.mss, appliancePorts(live()))),
    seen: (listing) => {
      refusedPeers.seen(listing)
      astray.seen(listing)
    },
    flushed: (signal) => rulesOfEngine.lost(signal),
  })
  const way = containerWay({
    ...common('container-way'),
    warnings: warnings.source({ name: 'way' }),
    container: () => {
      const running = runningContainer(reconciler.snapshot(), config.controller.name)
      return running && { ...config.network, ...running.network }
    },
    read: machine.containerWay,
  })
  const reconciler = new Reconciler({
    ...common('controller'),
    guard: async (network, signal) => {
      await reach.look(signal)
      await datapath.guard(network, signal)
    },
    chosen: configuration.chosen,
    defaults: configuration.defaults,
    connect: (signal) => connectEngine({ config, logger, signal }),
    login: async (reference) => {
      const { authFile } = live().images
      return authFile === undefined ? undefined : await registryLogin(authFile, reference)
    },
    machine,
    version,
    certificateSource: paths.certificateDirectory,
    ready: () => health.snapshot().ready,
    omadacId: () => health.snapshot().omadacId,
    recordFile: new RecordFile(paths.hostRecordFile),
  })
  const routing = new Routing({ addresses: { list: readLocalAddresses, changed: new Emitter() }, clock })
  const devicesServed = networkAccess({ list: () => live().access.devices, routing })
  const link = controllerLink({ address: () => reconciler.snapshot().facts.address, routing })
  const deviceAddress = new DeviceAddress({
    ...common('device-address'),
    warnings: warnings.source({ name: 'device-address' }),
    ways: async () => ({
      configured: live().network.deviceAddress,
      subnet: config.network.subnet,
      served: devicesServed.servedAddresses(),
      connected: await readConnections(managementPort),
      towardsInternet: routing.localAddressTowards(documentationAddress)?.address,
    }),
    ready: () => (health.snapshot().ready ? health.snapshot().omadacId : undefined),
    settings: (omadacId) => {
      const { openApi } = live().controller
      return openApi && openApiSettings({ ...openApi, omadacId, address: link(), port: httpsPort })
    },
    confirmed: () => reconciler.record.deviceAddress,
    confirm: (confirmed) => reconciler.remember((record) => ({ ...record, deviceAddress: confirmed })),
  })
  const imageCheck = imageCheckJob({
    ...common('images'),
    architecture: machine.architecture,
    currentDigest: () => reconciler.snapshot().facts.digest,
    onResult: () => book.publish(),
  })
  const book = new HostBook({
    sources: {
      controller: () => reconciler.snapshot(),
      health: () => health.snapshot(),
      images: () => imageCheck.latest(),
      warnings,
    },
    logger,
    clock,
    version,
  })

  // The steps that were taken are what the history has of the controller.
  const ofContainer = warnings.source({ name: 'controller', subject: () => 'container' })
  reconciler.changed.on((snapshot) => {
    const target = probeTarget(snapshot)
    health.setTarget(target)
    if (target !== undefined) datapath.follow(snapshot.network)
    ofContainer.set(snapshot.warnings)
    book.publish()
  })
  reconciler.steps.on((step) => book.remember(step))
  health.changed.on(() => {
    reconciler.probed()
    deviceAddress.probed()
    book.publish()
  })
  warnings.changed.on(() => book.publish())
  warnings.history.on((entry) => book.addHistory(entry))
  book.state.changed.on((state) => options.channel.follow(state))

  const restartWhenUnhealthy = unhealthyRestart({
    minutes: () => live().health.restartWhenUnhealthyMinutes,
    logger,
    clock,
    unhealthySince: () => health.unhealthySince(),
    restart: (signal) => reconciler.requestRestart(signal),
  })
  const disks = diskSpace({
    logger,
    clock,
    warnings: warnings.source({ name: 'disk' }),
    places: () => [...controllerPlaces(config, reconciler.snapshot().storage), ...ownPlaces(paths)],
  })
  const certificate = periodic({
    name: 'certificate',
    logger,
    clock,
    intervalMilliseconds: certificateMilliseconds,
    work: () => configuration.lookAtCertificate(),
  })
  const portHolders = periodic({
    name: 'port-holders',
    logger,
    clock,
    intervalMilliseconds: portHoldersMilliseconds,
    work: async (signal) => book.publish({ portHolders: await findPortHolders(appliancePorts(live()), signal) }),
  })
  const control = new ControlServer({
    logger,
    path: paths.hostControlSocket,
    verbs: {
      pull: (signal) => reconciler.requestPull(signal),
      restart: (signal) => reconciler.requestRestart(signal),
      stop: (signal) => reconciler.requestStop(signal),
      start: (signal) => reconciler.requestStart(signal),
      reload: () => configuration.reload(),
    },
    acknowledge: (code, signal, value) =>
      code === 'DEVICE_ADDRESS' ? deviceAddress.acknowledge(value) : reconciler.requestAcknowledge(code, signal),
    logs: (request) => reconciler.logs(request),
  })
  const { state } = book
  const { stateGroup: group, companions = [] } = options
  const stateServers = [paths.hostStateSocket, paths.hostStateForEdgeSocket].map(
    (path) => new StateServer({ logger, path, mode: 0o660, group, store: state }),
  )
  const loops = [
    { name: 'the reconciler', dueBy: () => reconciler.pulse.dueBy },
    { name: 'the prober', dueBy: () => health.dueBy() },
  ]

  // An edge's process among them drains its connections first.
  const componentsMilliseconds = () => (live().proxy.drainSeconds + 15) * 1000

  await supervise({
    logger,
    components: [
      systemdStatus({ state, logger, clock, notifier }),
      ...stateServers,
      control,
      ...companions,
      health,
      reach,
      datapath,
      rulesOfEngine,
      way,
      reconciler,
      restartWhenUnhealthy,
      portHolders,
      certificate,
      disks,
      deviceAddress,
      imageCheck,
      ...signsOfLife({ ...options, live, state, logger, loops }),
    ],
    signal: options.signal,
    stopMilliseconds: componentsMilliseconds(),
    stopping: () =>
      bidFarewell({
        ...options,
        logger,
        stopGraceSeconds: live().controller.stopGraceSeconds,
        componentsMilliseconds: componentsMilliseconds(),
        stopController: (signal) => reconciler.stopController(signal),
        removeFence: (signal) => datapath.remove(signal),
      }),
  })
}
