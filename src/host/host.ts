import { appliancePorts } from '../config/appliance-ports.ts'
import type { Config } from '../config/schema.ts'
import type { Clock } from '../core/clock.ts'
import type { Component } from '../core/component.ts'
import type { Logger } from '../core/logger.ts'
import { Periodic } from '../core/periodic.ts'
import { supervise } from '../core/supervise.ts'
import { ControlServer } from '../ipc/control.ts'
import type { HostState, ImageCheck, PortHolder, Reason } from '../ipc/host-state.ts'
import type { Paths } from '../ipc/paths.ts'
import { StateServer } from '../ipc/server.ts'
import { StateStore } from '../ipc/store.ts'
import { findPortHolders } from '../linux/port-holders.ts'
import type { Notifier } from '../systemd/notify.ts'
import { announce } from './announce.ts'
import { addHistory, assembleHostState, initialHostState } from './assemble-host.ts'
import { blameDisk } from './blame-disk.ts'
import { readMachineFacts } from './controller/machine.ts'
import { Reconciler } from './controller/reconciler.ts'
import { DiskSpace } from './disks/disk-space.ts'
import { controllerPlaces, ownPlaces } from './disks/storage-places.ts'
import { connectEngine } from './engine/choose.ts'
import { HealthMonitor } from './health/monitor.ts'
import { UnhealthyRestart } from './health/unhealthy-restart.ts'
import { ImageCheckJob } from './images/image-check.ts'
import { type HostService, serviceWatches } from './watches.ts'

export interface HostOptions {
  /** What may change at run time is changed in place. */
  readonly config: Config
  /** What the configuration is to be warned of. */
  readonly warnings: StateStore<readonly Reason[]>
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
const portHoldersEvery = 15_000

/** How often the free space is looked at, in milliseconds. */
const diskLookEvery = 5000

/** How often the length of an unhealthy spell is looked at, in milliseconds. */
const unhealthyLookEvery = 10_000

/** What the engine may take beyond the grace to say that the controller has stopped, in milliseconds. */
export const stopMargin = 30_000

/** Keeps the controller as configured until `signal` aborts, and publishes what it knows. */
export async function runHost(options: HostOptions): Promise<void> {
  const { config, clock, paths } = options
  const logger = options.logger.child({ component: 'host' })
  const now = () => new Date(clock.wall()).toISOString()
  const store = new StateStore<HostState>({
    initial: initialHostState({
      version: options.version,
      image: config.controller.image,
      address: config.network.controllerAddress,
      at: now(),
    }),
  })

  const live = () => config
  const health = new HealthMonitor({
    config,
    live,
    logger: logger.child({ component: 'health' }),
    clock,
    probeCommand: options.probeCommand,
  })
  const reconciler = new Reconciler({
    config,
    live,
    logger: logger.child({ component: 'controller' }),
    clock,
    connect: (signal) => connectEngine({ config, logger, signal }),
    machine: await readMachineFacts(),
    version: options.version,
    ready: () => health.snapshot().ready,
  })

  const disks = new DiskSpace({
    logger: logger.child({ component: 'disk' }),
    clock,
    places: () => [...controllerPlaces(config, reconciler.snapshot().storage), ...ownPlaces(paths)],
  })
  let images: ImageCheck | undefined
  let portHolders: readonly PortHolder[] = []
  const publish = () =>
    store.update((previous) =>
      assembleHostState(
        previous,
        {
          controller: reconciler.snapshot(),
          health: blameDisk(health.snapshot(), disks.dataFull),
          portHolders,
          warnings: [...disks.warnings, ...options.warnings.get()],
          images,
        },
        now(),
      ),
    )
  reconciler.changed.on((snapshot) => {
    const { containerId, address } = snapshot.facts
    // A newer image may have been taken.
    images = imageCheck.latest()
    const running = snapshot.lifecycle === 'running' || snapshot.lifecycle === 'starting'
    const { sandboxKey } = snapshot
    health.setTarget(
      running && containerId !== undefined
        ? { containerId, address, ...(sandboxKey === undefined ? {} : { sandboxKey }) }
        : undefined,
    )
    publish()
  })
  reconciler.steps.on((step) =>
    store.update((state) => addHistory(state, { at: now(), subject: step.subject, to: 'done', message: step.message })),
  )
  health.changed.on(publish)
  for (const { transitions } of [health, disks]) {
    transitions.on((entry) => store.update((state) => addHistory(state, entry)))
  }

  options.warnings.changed.on(publish)

  const ports = appliancePorts(config)
  const unhealthyRestart = new UnhealthyRestart({
    minutes: () => live().health.restartWhenUnhealthyMinutes,
    logger,
    clock,
    unhealthySince: () => health.unhealthySince(),
    restart: (signal) => reconciler.requestRestart(signal),
  })
  const unhealthyWatch = new Periodic({
    name: 'unhealthy-restart',
    logger,
    clock,
    intervalMilliseconds: unhealthyLookEvery,
    work: (signal) => unhealthyRestart.check(signal),
  })
  const portWatch = new Periodic({
    name: 'port-holders',
    logger,
    clock,
    intervalMilliseconds: portHoldersEvery,
    work: async (signal) => {
      portHolders = await findPortHolders(ports, signal)
      publish()
    },
  })
  const diskWatch = new Periodic({
    name: 'disk-space',
    logger,
    clock,
    intervalMilliseconds: diskLookEvery,
    work: async () => {
      await disks.look()
      publish()
    },
  })
  const imageCheck = new ImageCheckJob({
    config,
    live,
    logger: logger.child({ component: 'images' }),
    clock,
    currentDigest: () => reconciler.snapshot().facts.digest,
    onResult: (result) => {
      images = result
      publish()
    },
  })
  const control = new ControlServer({
    logger,
    path: paths.hostControlSocket,
    verbs: {
      pull: (signal) => reconciler.requestPull(signal),
      restart: (signal) => reconciler.requestRestart(signal),
      stop: (signal) => reconciler.requestStop(signal),
      start: (signal) => reconciler.requestStart(signal),
    },
    logs: (request) => reconciler.logs(request),
  })
  const state = new StateServer<HostState>({
    logger,
    path: paths.hostStateSocket,
    mode: 0o660,
    ...(options.stateGroup === undefined ? {} : { group: options.stateGroup }),
    store,
  })
  const reconcilerLoop = { name: 'the reconciler', dueBy: () => reconciler.pulse.dueBy }
  const proberLoop = { name: 'the prober', dueBy: () => health.dueBy() }
  announce({ store, logger, clock, notifier: options.notifier })
  options.service?.reloaded.on(() => void imageCheck.reschedule())

  await supervise({
    logger,
    components: [
      state,
      control,
      ...(options.companions ?? []),
      health,
      reconciler,
      unhealthyWatch,
      portWatch,
      diskWatch,
      imageCheck,
      ...serviceWatches({ ...options, live, store, logger, loops: [reconcilerLoop, proberLoop] }),
    ],
    signal: options.signal,
    stopMilliseconds: componentsStop(config),
    stopping: async () => {
      await options.service?.ending()
      await options.notifier.stopping()
      if ((await options.controllerOnStop()) === 'leave') return
      const graceMilliseconds = live().controller.stopGraceSeconds * 1000
      await options.notifier.extendTimeout(graceMilliseconds + stopMargin + componentsStop(config))
      logger.info(`stopping the controller; it may take ${live().controller.stopGraceSeconds} s to close its database`)
      await reconciler.stopController(AbortSignal.timeout(graceMilliseconds + stopMargin))
    },
  })
}

/** How long the components may take to stop, in milliseconds: an edge's process among them drains its connections first. */
function componentsStop(config: Config): number {
  return (config.proxy.drainSeconds + 15) * 1000
}
