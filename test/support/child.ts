import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { raceAbort } from '../../src/core/deadline.ts'
import { Emitter } from '../../src/core/emitter.ts'
import type { Ledger } from './ledger.ts'

export interface ChildOptions {
  /** What it is, for messages. */
  readonly what: string
  readonly argv: readonly string[]
  readonly environment?: NodeJS.ProcessEnv
  /** How long it may take to end by itself at the very end. Default 10 s. */
  readonly graceMilliseconds?: number
}

export interface ChildEnd {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

const tailLines = 400

/**
 * A child process in a process group of its own (a Ctrl-C on the terminal reaches its owner only), recorded in the
 * ledger, with the last lines that it printed. Its owner ends it by `stop`, or closes the ledger.
 */
export class Child {
  readonly what: string
  readonly pid: number
  /** Settles when it has ended and its output has been read. Never rejects. */
  readonly ended: Promise<ChildEnd>
  readonly lines = new Emitter<string>()
  readonly #process: ChildProcess
  readonly #tail: string[] = []

  private constructor(process: ChildProcess, pid: number, what: string) {
    this.what = what
    this.pid = pid
    this.#process = process
    this.ended = new Promise((resolve) => {
      process.once('close', (code, signal) => resolve({ code, signal }))
      // A grandchild may hold the pipes open for as long as it likes: what it has not said by then is not waited for.
      process.once('exit', (code, signal) => setTimeout(() => resolve({ code, signal }), 1000).unref())
    })
    for (const stream of [process.stdout, process.stderr]) {
      if (stream !== null) createInterface({ input: stream }).on('line', (line) => this.#take(line))
    }
  }

  /** Resolves when the program runs. @throws the system's error when it cannot be started */
  static async start(ledger: Ledger, options: ChildOptions): Promise<Child> {
    const [file = '', ...rest] = options.argv
    const process_ = spawn(file, rest, {
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...options.environment },
    })
    await new Promise<void>((resolve, reject) => {
      process_.once('spawn', resolve)
      process_.once('error', reject)
    })
    const { pid } = process_
    if (pid === undefined) throw new Error(`${options.what} has no process id`)
    process_.on('error', () => {})
    ledger.started(options.what, pid, options.graceMilliseconds ?? 10_000)
    return new Child(process_, pid, options.what)
  }

  #take(line: string): void {
    this.#tail.push(line)
    if (this.#tail.length > tailLines) this.#tail.shift()
    this.lines.emit(line)
  }

  get running(): boolean {
    return this.#process.exitCode === null && this.#process.signalCode === null
  }

  /** The last lines printed, oldest first. */
  get kept(): readonly string[] {
    return this.#tail
  }

  /** The end of them as one text, for the message of a failure. */
  tail(lines = 60): string {
    return this.#tail.slice(-lines).join('\n')
  }

  signal(signal: NodeJS.Signals): void {
    if (this.running) this.#process.kill(signal)
  }

  /** Sends a signal and waits for the end. @throws Error when it does not end within the time; it is left running */
  async stop(signal: NodeJS.Signals, milliseconds: number): Promise<ChildEnd> {
    this.signal(signal)
    try {
      return await raceAbort(this.ended, AbortSignal.timeout(milliseconds))
    } catch (error) {
      throw new Error(`${this.what} still runs ${milliseconds} ms after ${signal}\n${this.tail()}`, { cause: error })
    }
  }

  /** The first line (of those already printed, too) that `accept` maps to something. @throws Error after the time or at its end */
  async line<T>(accept: (line: string) => T | undefined, milliseconds: number): Promise<T> {
    for (const line of this.#tail) {
      const value = accept(line)
      if (value !== undefined) return value
    }
    let unsubscribe: (() => void) | undefined
    const seen = new Promise<T>((resolve, reject) => {
      unsubscribe = this.lines.on((line) => {
        const value = accept(line)
        if (value !== undefined) resolve(value)
      })
      void this.ended.then(({ code, signal }) => reject(new Error(`it ended (${signal ?? `exit code ${code}`})`)))
    })
    try {
      return await raceAbort(seen, AbortSignal.timeout(milliseconds))
    } catch (error) {
      throw new Error(`waited in vain for a line of ${this.what}: ${String(error)}\n${this.tail()}`, { cause: error })
    } finally {
      unsubscribe?.()
    }
  }
}
