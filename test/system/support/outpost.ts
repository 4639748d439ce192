import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Ledger } from '../../support/ledger.ts'
import type { Namespace } from '../../support/namespace.ts'
import type { OutpostCalls } from './outpost-calls.ts'

const program = fileURLToPath(new URL('outpost-main.ts', import.meta.url))

type Argument<Name extends keyof OutpostCalls> = Parameters<OutpostCalls[Name]>[0]
type Value<Name extends keyof OutpostCalls> = Awaited<ReturnType<OutpostCalls[Name]>>

/** A process of ours inside a namespace that does there what a test asks: requests, connections, datagrams. */
export class Outpost {
  readonly #process: ChildProcess
  readonly #waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>()
  #next = 0

  private constructor(process_: ChildProcess) {
    this.#process = process_
    process_.on('message', (message: { id: number; value?: unknown; error?: string }) => {
      const waiting = this.#waiting.get(message.id)
      this.#waiting.delete(message.id)
      if (message.error === undefined) waiting?.resolve(message.value)
      else waiting?.reject(new Error(message.error))
    })
    process_.on('exit', () => {
      for (const waiting of this.#waiting.values()) waiting.reject(new Error('the outpost has ended'))
    })
  }

  static async open(ledger: Ledger, namespace: Namespace): Promise<Outpost> {
    const [file = '', ...rest] = namespace.enter([process.execPath, program])
    const child = spawn(file, rest, { detached: true, stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
    await once(child, 'message', { signal: AbortSignal.timeout(20_000) })
    ledger.started(`outpost in ${namespace.name}`, child.pid ?? 0, 1000)
    return new Outpost(child)
  }

  /** @throws Error with the message of what failed inside the namespace */
  call<Name extends keyof OutpostCalls>(name: Name, argument: Argument<Name>): Promise<Value<Name>> {
    this.#next += 1
    const id = this.#next
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve: (value) => resolve(value as Value<Name>), reject })
      this.#process.send({ id, name, argument }, (error) => {
        if (error !== null) reject(error)
      })
    })
  }

  /** The parsed body of a JSON answer. @throws Error when the status is not 2xx */
  async json<T>(url: string, method = 'GET', body?: unknown): Promise<T> {
    const answer = await this.call('http', {
      url,
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    if (answer.status < 200 || answer.status > 299) {
      throw new Error(`${method} ${url}: ${answer.status} ${answer.body.slice(0, 500)}`)
    }
    return JSON.parse(answer.body) as T
  }

  close(): void {
    if (this.#process.connected) this.#process.disconnect()
  }
}
