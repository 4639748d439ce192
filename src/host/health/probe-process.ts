import type { ChildProcess } from 'node:child_process'
import { Backoff } from '../../core/backoff.ts'
import type { Clock } from '../../core/clock.ts'
import { messageOf } from '../../core/errors.ts'
import type { Logger } from '../../core/logger.ts'
import { type DatabaseReport, type FromChild, isFromChild, type Question } from './probe-messages.ts'
import { ended, spawnProbe, tailOf } from './probe-spawn.ts'

/** A child that answers nothing for this long, its start included, is hung: it is ended and another one takes over. */
const hungAfterMilliseconds = 30_000
/** A child that lived this long was well: the next one comes soon again. */
const wellAfterMilliseconds = 30_000
/** How long a child may take to leave once its channel is closed. */
const leaveMilliseconds = 2000

type Answer = Extract<FromChild, { id: number }>

interface Asked {
  readonly what: Question
  resolve(answer: Answer): void
  reject(error: Error): void
}

/** The probe child could not be asked; nothing is known of what it looks at. */
export class ProbeUnavailable extends Error {
  override readonly name = 'ProbeUnavailable'
}

/**
 * Keeps one probe child alive from `start` to `stop` and asks it. A child that dies is followed by another, with
 * backoff. `databaseUri` goes over the IPC channel only, never into arguments or environment.
 */
export class ProbeProcess {
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #command: readonly string[]
  readonly #databaseUri: string | undefined
  readonly #onWritable: () => void
  readonly #backoff = new Backoff({ initialMilliseconds: 200, maxMilliseconds: 10_000 })
  readonly #asked = new Map<number, Asked>()
  readonly #stopping = new AbortController()
  #loop: Promise<void> = Promise.resolve()
  #child: ChildProcess | undefined
  #ready = false
  #lastId = 0
  #unavailable = 'the probe has not been started yet'
  /** Since when the child owes us an answer, on the monotonic clock. */
  #owedSince: number | undefined

  constructor(options: {
    logger: Logger
    clock: Clock
    command: readonly string[]
    databaseUri?: string
    onWritable: () => void
  }) {
    this.#clock = options.clock
    this.#logger = options.logger
    this.#command = options.command
    this.#databaseUri = options.databaseUri
    this.#onWritable = options.onWritable
  }

  /** The id of the child that runs now. */
  get pid(): number | undefined {
    return this.#child?.pid
  }

  start(): void {
    this.#loop = this.#keepAlive()
  }

  /** Closes the channel, whereupon the child leaves; one that does not leave is killed. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#loop
  }

  /** Rejects with `ProbeUnavailable` when no child can answer, and when `signal` aborts. */
  async database(signal: AbortSignal): Promise<DatabaseReport> {
    const answer = await this.#ask('database', signal)
    if (answer.type === 'database') return answer.report
    throw new ProbeUnavailable(answer.type === 'failed' ? answer.message : 'the probe answered something else')
  }

  /** The UDP ports bound in the child's network namespace. Rejects as `database` does. */
  async boundUdpPorts(signal: AbortSignal): Promise<ReadonlySet<number>> {
    const answer = await this.#ask('sockets', signal)
    if (answer.type === 'sockets') return new Set(answer.ports)
    throw new ProbeUnavailable(answer.type === 'failed' ? answer.message : 'the probe answered something else')
  }

  async #ask(what: Question, signal: AbortSignal): Promise<Answer> {
    signal.throwIfAborted()
    const child = this.#child
    if (child === undefined) throw new ProbeUnavailable(this.#unavailable)
    const now = this.#clock.now()
    if (this.#owedSince !== undefined && now - this.#owedSince > hungAfterMilliseconds) child.kill('SIGKILL')
    this.#owedSince ??= now
    this.#lastId += 1
    const id = this.#lastId
    const forget = () => {
      this.#asked.get(id)?.reject(new ProbeUnavailable('the probe did not answer in time'))
    }
    try {
      return await new Promise<Answer>((resolve, reject) => {
        this.#asked.set(id, { what, resolve, reject })
        signal.addEventListener('abort', forget, { once: true })
        if (this.#ready) send(child, { type: 'ask', id, what })
      })
    } finally {
      signal.removeEventListener('abort', forget)
      this.#asked.delete(id)
    }
  }

  async #keepAlive(): Promise<void> {
    const { signal } = this.#stopping
    while (!signal.aborted) {
      const started = this.#clock.now()
      this.#unavailable = await this.#live(signal).catch(messageOf)
      for (const asked of this.#asked.values()) asked.reject(new ProbeUnavailable(this.#unavailable))
      if (signal.aborted) return
      this.#logger.debug({ reason: this.#unavailable }, 'the probe child ended')
      if (this.#clock.now() - started >= wellAfterMilliseconds) this.#backoff.reset()
      await this.#clock.sleep(this.#backoff.next(), signal).catch(() => undefined)
    }
  }

  /** The life of one child, from spawn to exit. Resolves with why it ended. */
  async #live(signal: AbortSignal): Promise<string> {
    const child = spawnProbe(this.#command)
    const stderr = tailOf(child.stderr)
    const end = ended(child)
    this.#child = child
    this.#owedSince = this.#clock.now()
    child.on('message', (message: unknown) => {
      if (isFromChild(message)) this.#heard(child, message)
    })
    send(child, {
      type: 'configure',
      ...(this.#databaseUri === undefined ? {} : { databaseUri: this.#databaseUri }),
    })
    const leave = () => void this.#dismiss(child, end)
    signal.addEventListener('abort', leave, { once: true })
    if (signal.aborted) leave()
    const how = await end
    signal.removeEventListener('abort', leave)
    this.#child = undefined
    this.#ready = false
    const said = stderr()
    return `the probe ended (${how})${said === '' ? '' : `: ${said}`}`
  }

  #heard(child: ChildProcess, message: FromChild): void {
    this.#owedSince = undefined
    if (message.type === 'writable') {
      this.#onWritable()
    } else if (message.type === 'ready') {
      this.#ready = true
      for (const [id, { what }] of this.#asked) send(child, { type: 'ask', id, what })
    } else {
      this.#asked.get(message.id)?.resolve(message)
    }
  }

  async #dismiss(child: ChildProcess, end: Promise<string>): Promise<void> {
    if (child.connected) child.disconnect()
    const timer = new AbortController()
    const late = this.#clock.sleep(leaveMilliseconds, timer.signal).then(
      () => true,
      () => false,
    )
    if (await Promise.race([end.then(() => false), late])) child.kill('SIGKILL')
    timer.abort()
  }
}

/** A message that cannot be sent went to a child that is gone, whose end is seen elsewhere. */
function send(child: ChildProcess, message: unknown): void {
  if (child.connected) child.send(message as Parameters<ChildProcess['send']>[0], () => undefined)
}
