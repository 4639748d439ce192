import type { LiveConfig } from '../config/schema.ts'
import type { Clock } from '../core/clock.ts'
import type { Component } from '../core/component.ts'
import type { Emitter } from '../core/emitter.ts'
import type { Logger } from '../core/logger.ts'
import type { HostState } from '../ipc/host-state.ts'
import type { StateStore } from '../ipc/store.ts'
import type { Notifier } from '../systemd/notify.ts'
import { StartWatch } from '../systemd/start-watch.ts'
import { createWatchdog, type WatchedLoop } from '../systemd/watchdog.ts'
import { startProgressOf } from './announce.ts'

/** What a host has that is a service of systemd's. */
export interface HostService {
  /** How long systemd waits for a sign of life, in milliseconds; undefined when it does not. */
  readonly watchdogMilliseconds: number | undefined
  /** The configuration was read again. */
  readonly reloaded: Emitter<void>
  /** Called first when the host ends in order. */
  readonly ending: () => Promise<void>
}

/** What keeps systemd informed of a host that is its service: of its start, and then of its life. */
export function serviceWatches(options: {
  live: () => LiveConfig
  clock: Clock
  notifier: Notifier
  logger: Logger
  service?: HostService
  store: StateStore<HostState>
  loops: readonly WatchedLoop[]
}): readonly Component[] {
  const { live, clock, notifier, service, logger, store, loops } = options
  if (service === undefined) return []
  const start = new StartWatch({
    clock,
    notifier,
    progress: startProgressOf(store),
    patienceMilliseconds: () => live().health.startupSeconds * 1000,
  })
  const timeoutMilliseconds = service.watchdogMilliseconds
  if (timeoutMilliseconds === undefined) return [start]
  const consequence = 'systemd will restart omada-host, the controller runs on'
  return [start, createWatchdog({ loops, consequence, timeoutMilliseconds, notifier, logger, clock })]
}
