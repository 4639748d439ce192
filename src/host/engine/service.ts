import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Config } from '../../config/schema.ts'
import { Backoff } from '../../core/backoff.ts'
import type { Clock } from '../../core/clock.ts'
import type { Component } from '../../core/component.ts'
import { raceAbort, withDeadline } from '../../core/deadline.ts'
import { ApplianceError, messageOf, systemCode } from '../../core/errors.ts'
import type { Logger } from '../../core/logger.ts'
import { connect, defaultSockets } from './connection.ts'
import { LineSplitter } from './lines.ts'
import { type CgroupLayout, readCgroupLayout, runtimeWorks } from './runtime.ts'

/** How long the service may take to answer after its start, in milliseconds. */
const startDeadline = 60_000

/**
 * Podman's API service as a child of ours, for a machine on which no engine answers: `podman system service`. Does
 * nothing where one answers. Containers are no children of it: they run on when it ends. It is started again when it
 * dies, and ends with this process even when that is killed.
 */
export class PodmanService implements Component {
  readonly name = 'podman-service'
  readonly #config: Config
  readonly #logger: Logger
  readonly #clock: Clock
  readonly #globalArguments: readonly string[]
  readonly #environment: NodeJS.ProcessEnv
  readonly #stopping = new AbortController()
  #child: ChildProcess | undefined
  #keeper: Promise<void> | undefined
  #ending: string | undefined

  /** `globalArguments` go before `system service`, such as `--root`; `environment` replaces this process's own. */
  constructor(options: {
    config: Config
    logger: Logger
    clock: Clock
    globalArguments?: readonly string[]
    environment?: NodeJS.ProcessEnv
  }) {
    this.#config = options.config
    this.#logger = options.logger
    this.#clock = options.clock
    this.#globalArguments = options.globalArguments ?? []
    this.#environment = options.environment ?? process.env
  }

  /** The process id of the service, when it is ours and runs. */
  get pid(): number | undefined {
    return this.#child?.pid
  }

  async start(signal: AbortSignal): Promise<void> {
    const configured = this.#config.engine.socket
    const sockets = configured === undefined ? defaultSockets : [configured]
    const reached = await connect(sockets, signal).catch((error: unknown) => {
      if (error instanceof ApplianceError && error.code === 'ENGINE_UNREACHABLE') return undefined
      throw error
    })
    if (reached !== undefined) return
    const socket = configured ?? sockets[0] ?? ''
    await mkdir(dirname(socket), { recursive: true, mode: 0o700 })
    const runtime = serviceRuntime(this.#config.engine.runtime, await readCgroupLayout())
    this.#logger.info(
      { socket, ...(runtime === undefined ? {} : { runtime }) },
      'no container engine answers: starting Podman',
    )
    this.#keeper = this.#keep(socket, runtime)
    try {
      await this.#answering(socket, withDeadline(startDeadline, signal))
    } catch (error) {
      await this.stop(AbortSignal.timeout(5000))
      throw error
    }
  }

  async stop(deadline: AbortSignal): Promise<void> {
    this.#stopping.abort()
    const child = this.#child
    child?.kill('SIGTERM')
    const onDeadline = () => child?.kill('SIGKILL')
    if (deadline.aborted) onDeadline()
    deadline.addEventListener('abort', onDeadline, { once: true })
    await this.#keeper
    deadline.removeEventListener('abort', onDeadline)
  }

  /** Starts the service and, when it dies, starts it again, until `stop`. A first start that fails is not repeated. */
  async #keep(socket: string, runtime: string | undefined): Promise<void> {
    const backoff = new Backoff({ initialMilliseconds: 500, maxMilliseconds: 30_000 })
    while (!this.#stopping.signal.aborted) {
      const startedAt = this.#clock.now()
      const ending = await this.#run(socket, runtime)
      this.#child = undefined
      this.#ending = ending
      if (this.#stopping.signal.aborted) return
      if (this.#clock.now() - startedAt > 60_000) backoff.reset()
      this.#logger.warn(`Podman's API service ended (${ending}); it is started again`)
      await this.#clock.sleep(backoff.next(), this.#stopping.signal).catch(() => {})
    }
  }

  /** Runs the service to its end and says how it ended. */
  async #run(socket: string, runtime: string | undefined): Promise<string> {
    const podman = ['podman', ...this.#globalArguments, ...(runtime === undefined ? [] : ['--runtime', runtime])]
    // Its own process group: Ctrl-C at the terminal is for us, and we still need the service to stop the controller.
    const child = spawn(
      'setpriv',
      ['--pdeathsig', 'TERM', ...podman, 'system', 'service', '-t', '0', `unix://${socket}`],
      {
        detached: true,
        stdio: ['ignore', 'ignore', 'pipe'],
        env: this.#environment,
      },
    )
    this.#child = child
    const splitter = new LineSplitter()
    let last = ''
    child.stderr?.on('data', (chunk: Buffer) => {
      for (const line of splitter.push(chunk)) {
        last = line
        this.#logger.debug({ podman: line }, 'podman system service')
      }
    })
    try {
      const [code, killedBy] = await once(child, 'exit')
      return `${killedBy ?? `exit code ${code}`}${last === '' ? '' : `: ${last}`}`
    } catch (error) {
      return systemCode(error) === 'ENOENT' ? 'setpriv is not installed' : messageOf(error)
    }
  }

  async #answering(socket: string, signal: AbortSignal): Promise<void> {
    for (;;) {
      const answer = connect([socket], signal).then(
        () => undefined,
        (error: unknown) => error,
      )
      const error = await raceAbort(answer, signal)
      if (error === undefined) return
      if (this.#ending !== undefined) throw notStarted(this.#ending, error)
      await this.#clock.sleep(100, signal)
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
