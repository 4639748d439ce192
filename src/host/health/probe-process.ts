import type { Clock } from '../../core/clock.ts'
import { KeptChild } from '../../core/kept-child.ts'
import type { Logger } from '../../core/logger.ts'
import { childEnvironment } from '../../core/run-program.ts'
import type { DriverVersion } from './mongo-driver.ts'
import { type DatabaseReport, type FromChild, fromChild, type Question } from './probe-messages.ts'

/** A child that answers nothing for this long, its start included, is hung: it is ended and another one takes over. */
const hungAfterMilliseconds = 30_000
/** How long a child may take to leave: nothing is lost with one that is killed. */
const leaveMilliseconds = 2000

/** What a child may inherit. The certificate variables matter for an external database over TLS. */
const inherited = ['LANG', 'NODE_EXTRA_CA_CERTS', 'SSL_CERT_FILE', 'SSL_CERT_DIR']
/** A small young generation: the child makes little garbage, and 16 MB of it would lie about. */
const nodeOptions = '--max-semi-space-size=1'

type Answer = Extract<FromChild, { id: number }>

/** The command that runs `command` in the network namespace at `path`, a container's SandboxKey (nsenter(1)). */
export function inNetworkNamespace(path: string, command: readonly string[]): readonly string[] {
  return ['nsenter', `--net=${path}`, '--', ...command]
}

/**
 * Keeps one probe child alive from `start` to `stop` and asks it. `databaseUri` goes over the IPC channel only, never into
 * arguments or environment; the channel's descriptor survives nsenter's exec.
 */
export class ProbeProcess {
  readonly #clock: Clock
  readonly #onWritable: () => void
  readonly #child: KeptChild
  readonly #asked = new Map<number, PromiseWithResolvers<Answer>>()
  #driver: DriverVersion = 'current'
  #lastId = 0
  #unavailable = 'the probe has not been started yet'
  /** Since when the child owes us an answer, on the monotonic clock. */
  #owedSince: number | undefined

  constructor(options: {
    logger: Logger
    clock: Clock
    command: readonly string[]
    databaseUri?: string | undefined
    onWritable: () => void
  }) {
    const { logger, clock, command, databaseUri } = options
    this.#clock = clock
    this.#onWritable = options.onWritable
    this.#child = new KeptChild({
      name: 'probe',
      clock,
      command,
      environment: childEnvironment(inherited, { NODE_OPTIONS: nodeOptions }),
      output: 'read',
      ipc: true,
      backoff: { initialMilliseconds: 200, maxMilliseconds: 10_000 },
      events: {
        started: () => {
          this.#owedSince = clock.now()
          const database = databaseUri === undefined ? {} : { databaseUri }
          this.#child.send({ type: 'configure', driver: this.#driver, ...database })
        },
        message: (message) => {
          const heard = fromChild.safeParse(message)
          if (heard.success) this.#heard(heard.data)
        },
        ended: (how) => {
          this.#unavailable = `the probe ended (${how})`
          for (const asked of this.#asked.values()) asked.reject(new Error(this.#unavailable))
          logger.debug({ reason: this.#unavailable }, 'the probe child ended')
        },
      },
    })
  }

  /** The id of the child that runs now. */
  get pid(): number | undefined {
    return this.#child.pid
  }

  start(): void {
    // Nothing but `stop` ends it.
    void this.#child.start(new AbortController().signal)
  }

  /** Ends the child in order, or by force when there is no time left for that. */
  async stop(deadline = AbortSignal.timeout(leaveMilliseconds)): Promise<void> {
    await this.#child.stop(deadline)
  }

  /** Rejects when no child can answer, so that nothing is known of the database, and when `signal` aborts. */
  async database(signal: AbortSignal): Promise<DatabaseReport> {
    const answer = await this.#ask('database', signal)
    if (answer.type !== 'database') throw unexpected(answer)
    if (answer.report.tooOldForDriver === true && this.#driver === 'current') {
      // By another child, which never loads the driver that is of no use here.
      this.#driver = 'for MongoDB 3.6'
      this.#child.kill()
    }
    return answer.report
  }

  /** The UDP ports bound in the child's network namespace. Rejects as `database` does. */
  async boundUdpPorts(signal: AbortSignal): Promise<ReadonlySet<number>> {
    const answer = await this.#ask('sockets', signal)
    if (answer.type !== 'sockets') throw unexpected(answer)
    return new Set(answer.ports)
  }

  /** A question that comes before the child listens waits in the channel. */
  async #ask(what: Question, signal: AbortSignal): Promise<Answer> {
    signal.throwIfAborted()
    if (this.#child.pid === undefined) throw new Error(this.#unavailable)
    const now = this.#clock.now()
    if (this.#owedSince !== undefined && now - this.#owedSince > hungAfterMilliseconds) this.#child.kill()
    this.#owedSince ??= now
    this.#lastId += 1
    const id = this.#lastId
    const asked = Promise.withResolvers<Answer>()
    const giveUp = () => asked.reject(new Error('the probe did not answer in time'))
    this.#asked.set(id, asked)
    signal.addEventListener('abort', giveUp, { once: true })
    this.#child.send({ type: 'ask', id, what })
    try {
      return await asked.promise
    } finally {
      signal.removeEventListener('abort', giveUp)
      this.#asked.delete(id)
    }
  }

  #heard(message: FromChild): void {
    this.#owedSince = undefined
    if (message.type === 'writable') this.#onWritable()
    else if (message.type !== 'ready') this.#asked.get(message.id)?.resolve(message)
  }
}

function unexpected(answer: Answer): Error {
  return new Error(answer.type === 'failed' ? answer.message : 'the probe answered something else')
}
