import { type ChildProcess, spawn } from 'node:child_process'
import { Backoff, type BackoffOptions } from './backoff.ts'
import type { Clock } from './clock.ts'
import { type Component, type Loop, loopOf } from './component.ts'
import { messageOf, systemCode } from './errors.ts'
import { plainText } from './text.ts'

/** A child that ran for this long was well: after its end the next one comes soon again. */
const stableMilliseconds = 30_000
/** What a child said last, in characters; more would not help anyone. */
const tailCharacters = 300
/** How long the last words of a child that has ended are waited for: what it started may hold its standard error open. */
const lastWordsMilliseconds = 200

/** What is done around one child after the other. Nothing of it may throw. */
export interface KeptChildEvents {
  /** A child was started: the place to send it what it needs, by `send`. */
  readonly started?: () => void
  /** The child sent this by its IPC channel; it is not trusted. */
  readonly message?: (message: unknown) => void
  /** The child wrote this to its standard error; only where `output` is `read`. */
  readonly stderr?: (chunk: Buffer) => void
  /**
   * A child has ended or could not be started, told once, in words fit to show: `exit code 3: no such file`.
   * `retryMilliseconds`: when the next one is started; undefined when none is, because of `stop`.
   */
  readonly ended?: (how: string, retryMilliseconds: number | undefined) => void
}

export interface KeptChildOptions {
  readonly name: string
  readonly clock: Clock
  readonly command: readonly string[]
  /** All that the child has, see `childEnvironment`. */
  readonly environment: Readonly<Record<string, string>>
  /** Standard output and error are ours, or the first is dropped and the second read. */
  readonly output: 'inherit' | 'read'
  /** With a channel for messages, whose end tells the child that we have died. */
  readonly ipc: boolean
  readonly backoff: BackoffOptions
  readonly events: KeptChildEvents
}

/**
 * Keeps one child process alive from `start` to `stop`: when it ends, another one is started, with backoff. It leads a
 * session of its own, so that Ctrl-C in a terminal reaches its parent alone, which ends it in order.
 */
export class KeptChild implements Component {
  readonly name: string
  readonly #options: KeptChildOptions
  readonly #backoff: Backoff
  readonly #loop: Loop
  #child: ChildProcess | undefined

  constructor(options: KeptChildOptions) {
    this.name = options.name
    this.#options = options
    this.#backoff = new Backoff(options.backoff)
    this.#loop = loopOf(options.name, (signal) => this.#keepAlive(signal))
  }

  /** The id of the child that runs now. */
  get pid(): number | undefined {
    return this.#child?.pid
  }

  start(signal: AbortSignal): Promise<void> {
    return this.#loop.start(signal)
  }

  /** Ends the child by SIGTERM, and by SIGKILL at the deadline: keep only what loses nothing by that. */
  async stop(deadline: AbortSignal): Promise<void> {
    const over = this.#loop.stop()
    this.#child?.kill('SIGTERM')
    const kill = () => this.kill()
    if (deadline.aborted) kill()
    deadline.addEventListener('abort', kill, { once: true })
    await over
    deadline.removeEventListener('abort', kill)
  }

  /** Ends the child that runs now by force, because it is hung. */
  kill(): void {
    this.#child?.kill('SIGKILL')
  }

  /** Sends to the child that runs now. What cannot be sent went to one that is gone, whose end is told elsewhere. */
  send(message: object): void {
    if (this.#child?.connected === true) this.#child.send(message, () => undefined)
  }

  async #keepAlive(signal: AbortSignal): Promise<void> {
    const { clock, events } = this.#options
    while (!signal.aborted) {
      const startedAt = clock.now()
      const how = await this.#live()
      this.#child = undefined
      if (clock.now() - startedAt >= stableMilliseconds) this.#backoff.reset()
      const retryMilliseconds = signal.aborted ? undefined : this.#backoff.next()
      events.ended?.(how, retryMilliseconds)
      if (retryMilliseconds !== undefined) await clock.sleep(retryMilliseconds, signal).catch(() => {})
    }
  }

  /** The life of one child. Resolves with how it ended, and never rejects. */
  async #live(): Promise<string> {
    const { command, environment, output, ipc, events } = this.#options
    const [program = '', ...rest] = command
    const streams = output === 'inherit' ? (['inherit', 'inherit'] as const) : (['ignore', 'pipe'] as const)
    let child: ChildProcess
    try {
      child = spawn(program, rest, {
        stdio: ['ignore', ...streams, ...(ipc ? (['ipc'] as const) : [])],
        detached: true,
        env: environment,
      })
    } catch (error) {
      return messageOf(error)
    }
    let tail = ''
    child.stderr?.on('error', () => undefined)
    child.stderr?.on('data', (chunk: Buffer) => {
      tail = (tail + chunk.toString('utf8')).slice(-tailCharacters)
      events.stderr?.(chunk)
    })
    const end = ended(child, program)
    if (child.pid !== undefined) {
      this.#child = child
      if (ipc) child.on('message', (message: unknown) => events.message?.(message))
      events.started?.()
    }
    const how = await end
    const lastWords = plainText(tail.trimEnd().split('\n').at(-1) ?? '')
    return lastWords === '' ? how : `${how}: ${lastWords}`
  }
}

/** Resolves, and never rejects, once a child has ended or could not be started, with how. */
function ended(child: ChildProcess, program: string): Promise<string> {
  return new Promise((resolve) => {
    // Other errors, such as a failed kill or send, are followed by an exit.
    child.on('error', (error) => {
      if (child.pid !== undefined) return
      resolve(systemCode(error) === 'ENOENT' ? `${program} is not installed` : error.message)
    })
    child.once('exit', (code, signal) => {
      const tell = () => resolve(signal === null ? `exit code ${code}` : `signal ${signal}`)
      const late = setTimeout(tell, lastWordsMilliseconds)
      child.once('close', () => {
        clearTimeout(late)
        tell()
      })
    })
  })
}
