import { type ChildProcess, spawn } from 'node:child_process'
import { connect } from 'node:net'
import { constants } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'

/** Time that a real database gets to accept connections, and to stop in order before it is killed. */
const startMilliseconds = 60_000
const stopMilliseconds = 60_000

/** A slow one gets so much between two pauses. */
const answeringMilliseconds = 20

/** True when something accepts a TCP connection there within the deadline. */
export function accepts(host: string, port: number, deadlineMilliseconds: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port })
    const settle = (accepted: boolean) => {
      socket.destroy()
      resolve(accepted)
    }
    socket.setTimeout(deadlineMilliseconds, () => settle(false))
    socket.on('connect', () => settle(true))
    socket.on('error', () => settle(false))
  })
}

/** What may be the controller's database, and what its program is told. */
export const databasePrograms = {
  mongod: ({ directory, host, port }: Place) => ['--dbpath', directory, '--port', String(port), '--bind_ip', host],
  // Its debug port would be 8088, which is the controller's. Source: FerretDB 1.24, cmd/ferretdb/main.go.
  ferretdb: ({ directory, host, port }: Place) => [
    '--handler=sqlite',
    `--sqlite-url=file:${directory}/`,
    `--state-dir=${directory}`,
    `--listen-addr=${host}:${port}`,
    '--telemetry=disable',
    '--debug-addr=-',
    '--log-level=error',
  ],
} as const

interface Place {
  readonly directory: string
  readonly host: string
  readonly port: number
}

/** A real database as a child process, started as the controller starts its own. */
export class DatabaseProcess {
  readonly #program: keyof typeof databasePrograms
  readonly #command: string
  readonly #place: Place
  readonly #onDeath: (code: number) => void
  #child: ChildProcess | undefined
  #ending = false
  #pauses: NodeJS.Timeout | undefined

  /** `onDeath` gets the exit code, as a shell gives it, of one that ended unasked after it had served. */
  constructor(o: { program: keyof typeof databasePrograms; command: string; onDeath: (code: number) => void } & Place) {
    this.#program = o.program
    this.#command = o.command
    this.#place = o
    this.#onDeath = o.onDeath
  }

  get up(): boolean {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null
  }

  /** From now on it stands still for so long, a moment apart: 0 lets it go on. It then answers late, as one with a bad disk. */
  set delayMilliseconds(milliseconds: number) {
    clearTimeout(this.#pauses)
    this.#child?.kill('SIGCONT')
    if (milliseconds > 0) this.#pause(milliseconds)
  }

  /** Resolves with the port once it accepts connections. @throws Error when it ends or does not accept in time */
  async start(): Promise<number> {
    const { host, port } = this.#place
    const child = spawn(this.#command, databasePrograms[this.#program](this.#place), { stdio: 'ignore' })
    let failure = ''
    child.on('error', (error) => {
      failure = error.message
    })
    this.#child = child
    this.#ending = false
    const end = performance.now() + startMilliseconds
    while (!(await accepts(host, port, 1000))) {
      if (failure !== '' || !this.up) throw new Error(`${this.#command} did not start ${failure}`)
      if (performance.now() > end) {
        await this.stop()
        throw new Error(`${this.#command} does not accept connections`)
      }
      await delay(100)
    }
    child.once('exit', (code, signal) => {
      if (!this.#ending) this.#onDeath(code ?? 128 + constants.signals[signal ?? 'SIGKILL'])
    })
    return port
  }

  /** Resolves when it has ended: in order, else killed after a minute. */
  async stop(): Promise<void> {
    await this.#end('SIGTERM')
  }

  /** Resolves when it has ended at once, with nothing closed. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL')
  }

  async #end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const child = this.#child
    this.delayMilliseconds = 0
    if (child === undefined || !this.up) return
    this.#ending = true
    const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
    child.kill(signal)
    const timer = setTimeout(() => child.kill('SIGKILL'), stopMilliseconds)
    await ended
    clearTimeout(timer)
  }

  #pause(milliseconds: number): void {
    this.#child?.kill('SIGSTOP')
    this.#pauses = setTimeout(() => {
      this.#child?.kill('SIGCONT')
      this.#pauses = setTimeout(() => this.#pause(milliseconds), answeringMilliseconds)
    }, milliseconds)
  }
}
