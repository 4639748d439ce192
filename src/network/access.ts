import type { AccessList, LiveConfig } from '../config/schema.ts'
import { CidrSet, isCidr } from '../core/cidr.ts'
import type { InstanceFault } from '../core/warnings.ts'
import type { LocalAddress } from './interfaces.ts'
import type { Routing } from './routes.ts'

/** Which clients a role is served to. */
export interface AccessPolicy {
  /**
   * `localAddress` is the address of ours that the client addressed; undefined when unknown, as for a broadcast. Both as a
   * socket reports them: without its zone a link-local address says nothing of the network that it is in.
   */
  admits(peer: { readonly localAddress?: string | undefined; readonly remoteAddress: string }): boolean
  /** The addresses of this machine on which the role is served now. */
  servedAddresses(): readonly LocalAddress[]
}

const loopback = new CidrSet(['127.0.0.0/8', '::1/128'])

/**
 * Decides by the networks of `access.*`. A listed CIDR admits clients of that network. A listed interface admits
 * clients that addressed one of its addresses AND lie behind a listed interface: Linux answers for every local address
 * on every interface, so that a guest could otherwise reach management by addressing another VLAN's address. This
 * machine itself is always admitted; whoever runs programs here needs no network to reach the controller.
 * @param options `list`: the role's entries as they are now; another list is taken over with the next question
 */
export function networkAccess(options: { list: () => AccessList; routing: Routing }): AccessPolicy {
  const { routing } = options
  let compiled: ReturnType<typeof compile> | undefined
  const rules = () => {
    const list = options.list()
    if (compiled?.of !== list) compiled = compile(list)
    return compiled
  }
  return {
    admits: ({ localAddress, remoteAddress }) => {
      const { any, networks, interfaces } = rules()
      if (any) return true
      if (loopback.contains(remoteAddress) || routing.isOwn(remoteAddress)) return true
      if (networks?.contains(remoteAddress) === true) return true
      if (interfaces.size === 0) return false
      const addressed = localAddress === undefined ? undefined : routing.localsAt(localAddress)
      if (addressed?.some((local) => interfaces.has(local.interface)) === false) return false
      const towards = routing.interfaceTowards(remoteAddress)
      return towards !== undefined && interfaces.has(towards)
    },
    servedAddresses: () => {
      const { any, networks, interfaces } = rules()
      const all = routing.addresses.list()
      // A CIDR names clients, which may come by any interface.
      if (any || networks !== undefined) return all
      return all.filter((local) => interfaces.has(local.interface) || local.internal)
    },
  }
}

/** The listed networks, undefined when there are none, and the names of the listed interfaces. */
function compile(list: AccessList) {
  const entries = list === 'any' ? [] : list
  const networks = entries.filter(isCidr)
  return {
    of: list,
    any: list === 'any',
    networks: networks.length === 0 ? undefined : new CidrSet(networks),
    interfaces: new Set(entries.filter((entry) => !isCidr(entry))),
  }
}

/** One fault for each interface that `access.*` names and that is none of `known`, by their names. */
export function unknownInterfaces(access: LiveConfig['access'], known: readonly string[]): InstanceFault[] {
  const others = [...new Set(known)].filter((name) => name !== 'lo').join(', ')
  return Object.entries(access).flatMap(([role, list]) =>
    (list === 'any' ? [] : list)
      .filter((entry) => !isCidr(entry) && !known.includes(entry))
      .map((entry) => ({
        instance: `${role} ${entry}`,
        code: 'ACCESS_UNKNOWN_INTERFACE',
        message: `access.${role} names the interface "${entry}", which has no address on this machine now`,
        remedy: `correct access.${role}; interfaces with an address: ${others}`,
      })),
  )
}
