import { keyNeeds } from '../config/keys.ts'
import type { Component } from '../core/component.ts'
import { Emitter } from '../core/emitter.ts'
import type { Logger } from '../core/logger.ts'
import { channelVersion, type EdgePart, edgeSettings } from '../ipc/channel.ts'
import type { HostState } from '../ipc/host-state.ts'
import { StateServer } from '../ipc/server.ts'
import type { Configuration } from './configuration.ts'

/**
 * The one way from the host to its edge: publishes what is in force, and which address the container that runs has. It
 * carries a private key: the directory that the socket is in lets nobody in but the edge.
 */
export class EdgeChannel implements Component {
  readonly name = 'edge-channel'
  readonly #configuration: Configuration
  readonly #version: string
  readonly #server: StateServer<EdgePart>
  readonly #changed = new Emitter<void>()
  #runningAddress: string | undefined

  /** `group` owns the socket: this process's own unless the directory or this says otherwise. */
  constructor(options: {
    configuration: Configuration
    /** This program's. */
    version: string
    path: string
    group?: number | undefined
    logger: Logger
  }) {
    const { configuration, group, ...rest } = options
    this.#configuration = configuration
    this.#version = channelVersion(options.version)
    this.#server = new StateServer({
      ...rest,
      mode: 0o660,
      ...(group === undefined ? {} : { group }),
      store: { get: () => this.#part(), changed: this.#changed },
    })
    configuration.changed.on(() => this.#changed.emit())
  }

  /** @throws ApplianceError APPLIANCE_RUNNING or SOCKET_FAILED */
  async start(signal: AbortSignal): Promise<void> {
    await this.#server.start(signal)
  }

  async stop(deadline: AbortSignal): Promise<void> {
    await this.#server.stop(deadline)
  }

  /** Takes the container's address from what the host knows of it now. */
  follow({ controller: { containerId, address } }: HostState): void {
    const running = containerId === undefined ? undefined : address
    if (running === this.#runningAddress) return
    this.#runningAddress = running
    this.#changed.emit()
  }

  #part(): EdgePart {
    const { inForce, certificate } = this.#configuration
    const config = edgeSettings(inForce)
    const needs = Object.entries(keyNeeds).filter(([path]) => (path.split('.')[0] ?? '') in config)
    return {
      stateVersion: this.#version,
      config,
      needs: Object.fromEntries(needs),
      certificate,
      runningAddress: this.#runningAddress,
    }
  }
}
