import type { EdgeConfig } from '../../config/schema.ts'
import type { BackoffOptions } from '../../core/backoff.ts'
import type { Clock } from '../../core/clock.ts'
import { systemCode } from '../../core/errors.ts'
import type { Logger } from '../../core/logger.ts'
import type { ListenerState } from '../../ipc/edge-state.ts'
import { KeepOpen } from './keep-open.ts'
import { type ListenTarget, listenFault, portName } from './listen-fault.ts'

/** The wildcard addresses to listen on, in the order in which they are tried: `::` takes IPv4 clients, too. */
export function wildcards(listen: EdgeConfig['proxy']['listen']): readonly string[] {
  return listen === 'dual-stack' ? ['::', '0.0.0.0'] : ['0.0.0.0']
}

interface ListeningPortOptions<Server> {
  readonly target: Omit<ListenTarget, 'protocol' | 'address'>
  /** The first that this machine can have is taken. */
  readonly hosts: readonly string[]
  /** Gives a server that listens on the target's port of that host, or rejects with the system's error. */
  readonly listen: (host: string) => Promise<Server>
  readonly logger: Logger
  readonly clock: Clock
  readonly retry?: BackoffOptions | undefined
}

/**
 * One TCP port with its server, a plain one or of HTTP. A port that cannot be opened is `failed`, with the reason, and is
 * tried again until it opens: it never keeps the rest of the edge from serving.
 */
export class ListeningPort<Server> {
  readonly #keepOpen: KeepOpen
  #server: Server | undefined

  constructor(options: ListeningPortOptions<Server>) {
    const target: ListenTarget = { protocol: 'tcp', ...options.target }
    const open = async () => {
      let missing: unknown
      for (const host of options.hosts) {
        try {
          this.#server = await options.listen(host)
          return []
        } catch (error) {
          missing = error
          // Where the kernel runs without IPv6 there is no `::`.
          if (!['EAFNOSUPPORT', 'EADDRNOTAVAIL'].includes(systemCode(error) ?? '')) break
        }
      }
      return [listenFault(target, missing)]
    }
    this.#keepOpen = new KeepOpen({ ...options, name: portName(target), open })
  }

  /** `reason` is there when `failed`. */
  state(): Pick<ListenerState, 'state' | 'reason'> {
    if (this.#server !== undefined) return { state: 'listening' }
    const [reason] = this.#keepOpen.faults
    return reason === undefined ? { state: 'closed' } : { state: 'failed', reason }
  }

  /** Resolves after the first try, whatever came of it. */
  async start(): Promise<void> {
    await this.#keepOpen.tryNow()
  }

  /** Ends the tries, and gives back the server that is open, which the caller closes. */
  async stop(): Promise<Server | undefined> {
    await this.#keepOpen.stop()
    const server = this.#server
    this.#server = undefined
    return server
  }
}
