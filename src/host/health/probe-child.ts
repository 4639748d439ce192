import { once } from 'node:events'
import { setFlagsFromString } from 'node:v8'
import { ApplianceError, messageOf } from '../../core/errors.ts'
import { DatabaseWatch } from './database-watch.ts'
import { type FromChild, isToChild, type Question, type ToChild } from './probe-messages.ts'
import { boundUdpPorts } from './udp-table.ts'

/** The child's end of its IPC channel. `send` must not throw when the host has gone. */
export interface ProbeChannel {
  send(message: FromChild): void
  onMessage(listener: (message: unknown) => void): void
}

/**
 * The probe child: a process of its own, entered into the container's network namespace, that looks at what can be
 * seen from in there only. Answers questions until `signal` aborts, which the process's edge does when the IPC channel
 * closes: a child must not outlive its host, nor stay behind in a namespace that is gone.
 */
export async function runProbeChild(options: {
  signal: AbortSignal
  channel: ProbeChannel
  argv: readonly string[]
}): Promise<void> {
  const { signal, channel, argv } = options
  if (argv.length > 0) {
    throw new ApplianceError({
      code: 'USAGE',
      message: `the probe takes no arguments, but got "${argv.join(' ')}"`,
      remedy: 'it is started by omada-host itself and is of no use by hand',
    })
  }
  // A few questions a minute need no optimized code, which over days takes up to 25 MB (measured over 12,000 questions).
  setFlagsFromString('--no-opt')
  setFlagsFromString('--no-maglev')
  const looker = new Looker(channel)
  channel.onMessage((message) => {
    if (isToChild(message)) looker.take(message)
  })
  if (!signal.aborted) await once(signal, 'abort')
  await looker.close()
}

class Looker {
  readonly #channel: ProbeChannel
  #database: DatabaseWatch | undefined
  /** Why there is no database watch although one was asked for. */
  #refusal = 'no database was configured for this probe'

  constructor(channel: ProbeChannel) {
    this.#channel = channel
  }

  take(message: ToChild): void {
    if (message.type === 'configure') this.#configure(message.databaseUri)
    else void this.#answer(message.id, message.what)
  }

  async close(): Promise<void> {
    await this.#database?.close()
  }

  #configure(uri: string | undefined): void {
    try {
      if (uri !== undefined) {
        this.#database = new DatabaseWatch({ uri, onWritable: () => this.#channel.send({ type: 'writable' }) })
      }
    } catch (error) {
      this.#refusal = messageOf(error)
    }
    this.#channel.send({ type: 'ready' })
  }

  async #answer(id: number, what: Question): Promise<void> {
    try {
      if (what === 'sockets') this.#channel.send({ type: 'sockets', id, ports: [...(await boundUdpPorts())] })
      else if (this.#database === undefined) throw new Error(this.#refusal)
      else this.#channel.send({ type: 'database', id, report: await this.#database.ask() })
    } catch (error) {
      this.#channel.send({ type: 'failed', id, message: messageOf(error) })
    }
  }
}
