import { networkInterfaces } from 'node:os'
import type { Clock } from '../core/clock.ts'
import type { Loop } from '../core/component.ts'
import { Emitter } from '../core/emitter.ts'
import type { Logger } from '../core/logger.ts'
import { periodic } from '../core/periodic.ts'

/** One address of this machine. `internal`: loopback. */
export interface LocalAddress {
  readonly interface: string
  readonly address: string
  readonly family: 'ipv4' | 'ipv6'
  /** Length of the network's prefix in bits. */
  readonly prefix: number
  readonly internal: boolean
}

/** This machine's addresses as they come and go. */
export interface LocalAddresses {
  list(): readonly LocalAddress[]
  readonly changed: Emitter<readonly LocalAddress[]>
}

/**
 * The addresses that the kernel reports now, sorted, so that two readings compare. Node lists an address with a label
 * (`ip address add … label lan0:1`) under the label: it belongs to the interface, whose name cannot have a colon in it
 * (dev_valid_name in the kernel).
 */
export function readLocalAddresses(): readonly LocalAddress[] {
  return Object.entries(networkInterfaces())
    .flatMap(([label, addresses]) =>
      (addresses ?? []).map((info) => ({
        interface: label.split(':')[0] ?? label,
        address: info.address,
        family: info.family === 'IPv4' ? ('ipv4' as const) : ('ipv6' as const),
        prefix: Number(info.cidr?.split('/')[1] ?? (info.family === 'IPv4' ? 32 : 128)),
        internal: info.internal,
      })),
    )
    .sort((a, b) => keyOf(a).localeCompare(keyOf(b)))
}

function keyOf(address: LocalAddress): string {
  return `${address.interface} ${address.address}/${address.prefix}`
}

/**
 * Follows this machine's addresses by reading them every two seconds: Node has no netlink socket, and a child that
 * watches netlink would be one more thing that can die.
 * @returns `look` looks now, for whoever knows that something changed; else a change is seen within the interval. It never
 * throws
 */
export function interfaceWatch(options: {
  logger: Logger
  clock: Clock
  read?: () => readonly LocalAddress[]
  intervalMilliseconds?: number
}): Loop & LocalAddresses & { look(): void } {
  const { logger, read = readLocalAddresses } = options
  const changed = new Emitter<readonly LocalAddress[]>()
  let addresses: readonly LocalAddress[] = []
  const refresh = () => {
    const before = new Set(addresses.map(keyOf))
    const now = read()
    const after = new Set(now.map(keyOf))
    const added = [...after].filter((key) => !before.has(key))
    const removed = [...before].filter((key) => !after.has(key))
    if (added.length === 0 && removed.length === 0) return
    addresses = now
    logger.info({ added, removed }, 'network addresses changed')
    changed.emit(now)
  }
  const reading = periodic({ intervalMilliseconds: 2000, ...options, name: 'interfaces', work: refresh })
  return {
    ...reading,
    start: async (signal) => {
      addresses = read()
      await reading.start(signal)
    },
    changed,
    list: () => addresses,
    look: () => {
      try {
        refresh()
      } catch (error) {
        logger.debug({ err: error }, 'network addresses could not be read')
      }
    },
  }
}
