import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { HostConfig } from '../../config/schema.ts'
import type { Clock } from '../../core/clock.ts'
import type { Component } from '../../core/component.ts'
import { withDeadline } from '../../core/deadline.ts'
import { ApplianceError } from '../../core/errors.ts'
import { KeptChild } from '../../core/kept-child.ts'
import type { Logger } from '../../core/logger.ts'
import { childEnvironment } from '../../core/run-program.ts'
import { connect, defaultSockets } from './connection.ts'
import { containerToolVariables } from './environment.ts'
import { type CgroupLayout, readCgroupLayout, runtimeWorks } from './runtime.ts'
import { LineSplitter } from './streams.ts'

/** How long the service may take to answer after its start, and how long one that does not may take to end. */
const startMilliseconds = 60_000
const giveUpMilliseconds = 5000
/** How often it is asked for an answer meanwhile. */
const askEveryMilliseconds = 100

interface PodmanServiceOptions {
  readonly config: HostConfig
  readonly logger: Logger
  readonly clock: Clock
  /** Added to what the service inherits. */
  readonly environment?: Readonly<Record<string, string>>
}

/**
 * Podman's API service as a child of ours, for a machine on which no engine answers: `podman system service`. Does
 * nothing where one answers. Containers are no children of it: they run on when it ends, by force as well. It is started
 * again when it dies, and ends with this process even when that is killed.
 */
export class PodmanService implements Component {
  readonly name = 'podman-service'
  readonly #options: PodmanServiceOptions
  #service: KeptChild | undefined
  /** How the service ended last. */
  #ending: string | undefined

  constructor(options: PodmanServiceOptions) {
    this.#options = options
  }

  /** The process id of the service, when it is ours and runs. */
  get pid(): number | undefined {
    return this.#service?.pid
  }

  async start(signal: AbortSignal): Promise<void> {
    const { socket: configured, runtime: configuredRuntime } = this.#options.config.engine
    const sockets = configured === undefined ? defaultSockets : [configured]
    const reached = await connect(sockets, signal).catch((error: unknown) => {
      if (error instanceof ApplianceError && error.code === 'ENGINE_UNREACHABLE') return undefined
      throw error
    })
    if (reached !== undefined) return
    const socket = configured ?? sockets[0] ?? ''
    await mkdir(dirname(socket), { recursive: true, mode: 0o700 })
    const runtime = serviceRuntime(configuredRuntime, await readCgroupLayout())
    this.#options.logger.info(
      { socket, ...(runtime === undefined ? {} : { runtime }) },
      'no container engine answers: starting Podman',
    )
    this.#service = this.#keeper(socket, runtime)
    await this.#service.start(signal)
    try {
      await this.#answering(socket, withDeadline(startMilliseconds, signal))
    } catch (error) {
      await this.stop(AbortSignal.timeout(giveUpMilliseconds))
      throw error
    }
  }

  async stop(deadline: AbortSignal): Promise<void> {
    await this.#service?.stop(deadline)
  }

  #keeper(socket: string, runtime: string | undefined): KeptChild {
    const { logger, clock, environment } = this.#options
    const podman = ['podman', ...(runtime === undefined ? [] : ['--runtime', runtime])]
    const lines = new LineSplitter()
    return new KeptChild({
      name: this.name,
      clock,
      command: ['setpriv', '--pdeathsig', 'TERM', ...podman, 'system', 'service', '-t', '0', `unix://${socket}`],
      environment: childEnvironment(containerToolVariables, environment),
      output: 'read',
      ipc: false,
      backoff: { initialMilliseconds: 500, maxMilliseconds: 30_000 },
      events: {
        stderr: (chunk) => {
          for (const line of lines.push(chunk)) logger.debug({ podman: line }, 'podman system service')
        },
        ended: (how, retryMilliseconds) => {
          this.#ending = how
          if (retryMilliseconds !== undefined) logger.warn(`Podman's API service ended (${how}); it is started again`)
        },
      },
    })
  }

  /** Resolves when the service answers. A first start that fails is not waited out: it says why. */
  async #answering(socket: string, signal: AbortSignal): Promise<void> {
    for (;;) {
      try {
        await connect([socket], signal)
        return
      } catch (error) {
        signal.throwIfAborted()
        if (this.#ending !== undefined) throw notStarted(this.#ending, error)
      }
      await this.#options.clock.sleep(askEveryMilliseconds, signal)
    }
  }
}

/** The runtime to ask Podman for, or undefined for its own default. */
export function serviceRuntime(configured: string | undefined, cgroups: CgroupLayout): string | undefined {
  return configured ?? (runtimeWorks('crun', cgroups) ? undefined : 'runc')
}

function notStarted(ending: string, cause: unknown): ApplianceError {
  return new ApplianceError(
    {
      code: 'ENGINE_UNREACHABLE',
      message: `no container engine answers, and Podman's API service could not be started (${ending})`,
      remedy: 'apt-get install podman (or docker.io), and see what this says: podman system service -t 1',
    },
    { cause },
  )
}
