import { keyNeeds } from '../config/keys.ts'
import type { Component } from '../core/component.ts'
import { Emitter } from '../core/emitter.ts'
import type { Logger } from '../core/logger.ts'
import { channelVersion, type EdgePart, edgeSettings } from '../ipc/channel.ts'
import type { HostState } from '../ipc/host-state.ts'
import { StateServer } from '../ipc/server.ts'
import type { Configuration } from './configuration.ts'

/** Its start rejects with ApplianceError APPLIANCE_RUNNING or SOCKET_FAILED. */
export interface EdgeChannel extends Component {
  /** Takes the container's address from what the host knows of it now. */
  follow(state: HostState): void
}

/**
 * The one way from the host to its edge: publishes what is in force, and which address the container that runs has. It
 * carries a private key: the directory that the socket is in lets nobody in but the edge.
 * @param options.group owns the socket: this process's own unless the directory or this says otherwise
 */
export function edgeChannel(options: {
  configuration: Configuration
  /** This program's. */
  version: string
  path: string
  group: number | undefined
  logger: Logger
}): EdgeChannel {
  const { configuration, version, logger, path, group } = options
  const changed = new Emitter<void>()
  let runningAddress: string | undefined
  const part = (): EdgePart => {
    const { inForce, certificate } = configuration
    const config = edgeSettings(inForce)
    const needs = Object.entries(keyNeeds).filter(([path]) => (path.split('.')[0] ?? '') in config)
    return {
      stateVersion: channelVersion(version),
      config,
      needs: Object.fromEntries(needs),
      certificate,
      runningAddress,
    }
  }
  const server = new StateServer({ logger, path, mode: 0o660, group, store: { get: part, changed } })
  configuration.changed.on(() => changed.emit())
  return {
    name: 'edge-channel',
    start: (signal) => server.start(signal),
    stop: (deadline) => server.stop(deadline),
    follow: ({ controller: { containerId, address } }) => {
      const running = containerId === undefined ? undefined : address
      if (running === runningAddress) return
      runningAddress = running
      changed.emit()
    },
  }
}
