import { fileURLToPath } from 'node:url'
import { Child } from './child.ts'
import type { Ledger } from './ledger.ts'
import type { Namespace } from './namespace.ts'

const program = fileURLToPath(new URL('fleet-main.ts', import.meta.url))

/** What devices did. */
export interface FleetCounts {
  /** Announces; each is one datagram to every address of `announceTo`. */
  announces: number
  datagrams: number
  /** Datagrams that the device's own kernel refused. */
  unsent: number
  /** Connections to 29814 that became whole, that did not, and that ended. */
  connects: number
  failures: number
  disconnects: number
  /** Informs that were answered. */
  informs: number
}

export const noCounts: Readonly<FleetCounts> = {
  announces: 0,
  datagrams: 0,
  unsent: 0,
  connects: 0,
  failures: 0,
  disconnects: 0,
  informs: 0,
}
export const countNames = Object.keys(noCounts) as readonly (keyof FleetCounts)[]

export interface FleetMember extends FleetCounts {
  readonly mac: string
  readonly address: string
}

export interface FleetOptions {
  readonly namespace: Namespace
  readonly count: number
  /** Each device has an address of its own, from this one on; the namespace has to have them. */
  readonly firstAddress: string
  readonly announceTo: readonly string[]
  readonly announceSeconds: number
  readonly informSeconds: number
}

/**
 * Many simulated devices in one process, each with a MAC, an address and a port of its own, their announces spread over the
 * period. Unlike real ones they go on announcing while they are connected.
 */
export class Fleet {
  readonly child: Child
  #sums: FleetCounts = noCounts

  private constructor(child: Child) {
    this.child = child
    child.lines.on((line) => {
      if (line.startsWith('{"sums":')) this.#sums = (JSON.parse(line) as { sums: FleetCounts }).sums
    })
  }

  static async start(ledger: Ledger, options: FleetOptions): Promise<Fleet> {
    const { namespace, ...rest } = options
    const child = await Child.start(ledger, {
      what: `fleet of ${options.count} devices`,
      argv: namespace.enter([process.execPath, program, JSON.stringify(rest)]),
    })
    return new Fleet(child)
  }

  /** Over all devices, a second ago at most. */
  get sums(): FleetCounts {
    return this.#sums
  }

  /** Ends it. @returns what each device has done until then */
  async stop(): Promise<readonly FleetMember[]> {
    const last = this.child.line(
      (line) => (line.startsWith('{"members":') ? (JSON.parse(line) as { members: FleetMember[] }).members : undefined),
      30_000,
    )
    await Promise.all([last, this.child.stop('SIGTERM', 30_000)])
    return await last
  }
}
