import { type ChildProcess, spawn } from 'node:child_process'
import { connect } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'

/** Time that a real mongod gets to accept connections, and to stop in order before it is killed. */
const startMilliseconds = 60_000
const stopMilliseconds = 60_000

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

/** A real mongod as a child process, started as the controller starts its own. */
export class MongodProcess {
  readonly #command: string
  readonly #directory: string
  readonly #host: string
  readonly #port: number
  #child: ChildProcess | undefined

  constructor(o: { command: string; directory: string; host: string; port: number }) {
    this.#command = o.command
    this.#directory = o.directory
    this.#host = o.host
    this.#port = o.port
  }

  get up(): boolean {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null
  }

  /** Resolves with the port once it accepts connections. @throws Error when it ends or does not accept in time */
  async start(): Promise<number> {
    const address = ['--port', String(this.#port), '--bind_ip', this.#host]
    const child = spawn(this.#command, ['--dbpath', this.#directory, ...address], { stdio: 'ignore' })
    let failure = ''
    child.on('error', (error) => {
      failure = error.message
    })
    this.#child = child
    const end = performance.now() + startMilliseconds
    while (!(await accepts(this.#host, this.#port, 1000))) {
      if (failure !== '' || !this.up) throw new Error(`${this.#command} did not start ${failure}`)
      if (performance.now() > end) {
        await this.stop()
        throw new Error(`${this.#command} does not accept connections`)
      }
      await delay(100)
    }
    return this.#port
  }

  /** Resolves when it has ended: in order, else killed after a minute. */
  async stop(): Promise<void> {
    const child = this.#child
    if (child === undefined || !this.up) return
    const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
    child.kill('SIGTERM')
    const timer = setTimeout(() => child.kill('SIGKILL'), stopMilliseconds)
    await ended
    clearTimeout(timer)
  }
}
