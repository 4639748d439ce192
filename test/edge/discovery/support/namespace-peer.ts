import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Device, DiscoveryState } from '../../../../src/ipc/edge-state.ts'
import type { Ledger } from '../../../support/ledger.ts'
import type { Namespace } from '../../../support/namespace.ts'
import type { Received } from './peer.ts'

/** What a peer process is told; see peer-main.ts. */
export interface PeerOrder {
  readonly id: number
  readonly send?: { readonly base64: string; readonly port: number; readonly address: string }
  /** What it answers to every datagram from now on; null: nothing. */
  readonly reply?: string | null
}

async function spawnIn(ledger: Ledger, namespace: Namespace, program: string, options: readonly string[]) {
  const path = fileURLToPath(new URL(program, import.meta.url))
  const [file = '', ...rest] = namespace.enter([process.execPath, path, ...options])
  const child = spawn(file, rest, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  ledger.started(`${program} in ${namespace.name}`, child.pid ?? 0, 1000)
  await once(child, 'message', { signal: AbortSignal.timeout(20_000) })
  return child
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit', { signal: AbortSignal.timeout(10_000) })
  child.disconnect()
  await ended
}

/** A UDP socket inside a namespace: a device, or what listens in the container. */
export class NamespacePeer {
  readonly received: Received[] = []
  readonly #child: ChildProcess
  #orders = 0

  private constructor(child: ChildProcess) {
    this.#child = child
    child.on('message', (message: { received?: { base64: string; address: string; port: number } }) => {
      if (message.received === undefined) return
      const { base64, ...sender } = message.received
      this.received.push({ payload: Buffer.from(base64, 'base64'), ...sender })
    })
  }

  static async open(ledger: Ledger, namespace: Namespace, address = '0.0.0.0', port = 0): Promise<NamespacePeer> {
    return new NamespacePeer(await spawnIn(ledger, namespace, 'peer-main.ts', [address, `${port}`]))
  }

  send(payload: Buffer | string, port: number, address: string): Promise<void> {
    return this.#order({ send: { base64: Buffer.from(payload).toString('base64'), port, address } })
  }

  reply(payload: Buffer | undefined): Promise<void> {
    return this.#order({ reply: payload?.toString('base64') ?? null })
  }

  close(): Promise<void> {
    return end(this.#child)
  }

  /** @throws Error with the system's message when the socket could not send */
  async #order(order: Omit<PeerOrder, 'id'>): Promise<void> {
    this.#orders += 1
    const id = this.#orders
    const done = new Promise<void>((resolve, reject) => {
      const listener = (message: { done?: number; error?: string }) => {
        if (message.done !== id) return
        this.#child.off('message', listener)
        if (message.error === undefined) resolve()
        else reject(new Error(message.error))
      }
      this.#child.on('message', listener)
    })
    this.#child.send({ id, ...order })
    await done
  }
}

/** A Discovery in a process of its own inside a namespace; see relay-main.ts. */
export class NamespaceRelay {
  readonly #child: ChildProcess
  #questions = 0

  private constructor(child: ChildProcess) {
    this.#child = child
  }

  static async start(ledger: Ledger, namespace: Namespace, config: object): Promise<NamespaceRelay> {
    return new NamespaceRelay(await spawnIn(ledger, namespace, 'relay-main.ts', [JSON.stringify(config)]))
  }

  state(): Promise<DiscoveryState & { seen: readonly Device[] }> {
    this.#questions += 1
    const id = this.#questions
    return new Promise((resolve) => {
      const listener = (message: { id: number; value: DiscoveryState & { seen: readonly Device[] } }) => {
        if (message.id !== id) return
        this.#child.off('message', listener)
        resolve(message.value)
      }
      this.#child.on('message', listener)
      this.#child.send(id)
    })
  }

  /** The outcomes that have happened since `before`. */
  async outcomes(before: Readonly<Record<string, number>> = {}): Promise<Record<string, number>> {
    const { outcomes } = await this.state()
    return Object.fromEntries(
      Object.entries(outcomes)
        .map(([name, count]) => [name, count - (before[name] ?? 0)] as const)
        .filter(([, count]) => count !== 0),
    )
  }

  /** The addresses on which 29810 is served. */
  async listening(): Promise<string[]> {
    const { listeners } = await this.state()
    return listeners
      .filter((listener) => listener.port === 29_810 && listener.state === 'listening')
      .map((listener) => listener.address)
      .sort()
  }

  close(): Promise<void> {
    return end(this.#child)
  }
}
