import type { LiveConfig } from '../../config/schema.ts'
import { parseIpv4 } from '../../core/cidr.ts'
import type { Clock } from '../../core/clock.ts'
import type { Loop } from '../../core/component.ts'
import { raceAbort, withDeadline } from '../../core/deadline.ts'
import type { Logger } from '../../core/logger.ts'
import { type Peer, parsePeer } from '../../core/peer.ts'
import { periodic } from '../../core/periodic.ts'
import { isLoopback, type MachineNames } from '../../linux/name-servers.ts'
import type { LocalAddress } from '../../network/interfaces.ts'
import { databasePeers, type Names } from './database-peers.ts'
import type { Reach } from './reach.ts'

export interface ReachFactsOptions {
  readonly live: () => LiveConfig
  /** `mongo.uri`. */
  readonly databaseUri: string | undefined
  /** How this machine resolves names now. */
  readonly machineNames: () => Promise<MachineNames>
  readonly names: Names
  readonly localAddresses: () => readonly LocalAddress[]
  readonly logger: Logger
  readonly clock: Clock
}

/** How often it is looked where the database and the name servers are, in milliseconds. */
const lookMilliseconds = 30_000
/** Name servers that do not answer keep no container from starting. */
const deadlineMilliseconds = 5000

/** Whom the container may reach by itself, as the configuration in force and the machine have it now. */
export interface ReachFacts extends Loop {
  now(): Reach
  /**
   * Looks now. What is not found in time is where it was found last.
   * @throws the signal's reason
   */
  look(signal: AbortSignal): Promise<void>
}

export function reachFacts(options: ReachFactsOptions): ReachFacts {
  const { live, databaseUri, names, machineNames, localAddresses } = options
  let database: readonly Peer[] = []
  let nameServers: readonly string[] = []
  const read = async () => {
    const found = databaseUri === undefined ? [] : await databasePeers(databaseUri, names)
    if (found.length > 0) database = found
    const { servers } = await machineNames()
    nameServers = servers.filter((server) => parseIpv4(server) !== undefined && !isLoopback(server))
  }
  const look = async (signal: AbortSignal) => {
    try {
      await raceAbort(read(), withDeadline(deadlineMilliseconds, signal))
    } catch (error) {
      signal.throwIfAborted()
      options.logger.debug({ err: error }, 'it was not found whom the controller may reach')
    }
  }
  const loop = periodic({ ...options, name: 'reach', intervalMilliseconds: lookMilliseconds, work: look })
  return {
    ...loop,
    start: async (signal) => {
      await look(signal)
      await loop.start(signal)
    },
    look,
    now: () => {
      const { egress, reach } = live().controller
      const ipv4 = localAddresses().filter(({ family, internal }) => family === 'ipv4' && !internal)
      return {
        egress,
        listed: reach.map(parsePeer).filter((peer) => peer !== undefined),
        database,
        nameServers,
        onLink: ipv4.map(({ address, prefix }) => `${address}/${prefix}`),
      }
    },
  }
}
