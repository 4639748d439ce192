import type { AccessList } from '../config/schema.ts'
import { CidrSet, isCidr, plainAddress, zoneOf } from '../core/cidr.ts'
import type { LocalAddress, LocalAddresses } from './interfaces.ts'

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
 */
export class NetworkAccess implements AccessPolicy {
  readonly #any: boolean
  readonly #networks: CidrSet
  readonly #hasNetworks: boolean
  readonly #interfaces: ReadonlySet<string>
  readonly #addresses: LocalAddresses
  readonly #interfaceTowards: (remote: string) => string | undefined

  constructor(options: {
    list: AccessList
    addresses: LocalAddresses
    interfaceTowards: (remote: string) => string | undefined
  }) {
    const entries = options.list === 'any' ? [] : options.list
    this.#any = options.list === 'any'
    const networks = entries.filter(isCidr)
    this.#networks = new CidrSet(networks)
    this.#hasNetworks = networks.length > 0
    this.#interfaces = new Set(entries.filter((entry) => !isCidr(entry)))
    this.#addresses = options.addresses
    this.#interfaceTowards = options.interfaceTowards
  }

  admits(peer: { readonly localAddress?: string | undefined; readonly remoteAddress: string }): boolean {
    if (this.#any) return true
    const remote = peer.remoteAddress
    if (loopback.contains(remote) || this.#localsWith(remote).length > 0) return true
    if (this.#networks.contains(remote)) return true
    if (this.#interfaces.size === 0) return false
    if (peer.localAddress !== undefined && !this.#isListed(peer.localAddress)) return false
    const towards = this.#interfaceTowards(remote)
    return towards !== undefined && this.#interfaces.has(towards)
  }

  servedAddresses(): readonly LocalAddress[] {
    const all = this.#addresses.list()
    // A CIDR names clients, which may come by any interface.
    if (this.#any || this.#hasNetworks) return all
    return all.filter((local) => this.#interfaces.has(local.interface) || local.internal)
  }

  #isListed(address: string): boolean {
    return this.#localsWith(address).some((local) => this.#interfaces.has(local.interface))
  }

  /**
   * The addresses of ours that `address` is. A link-local one is ours only on its own interface: on another one anybody
   * may have taken the same, and VLANs of one card all have the same.
   */
  #localsWith(address: string): readonly LocalAddress[] {
    const plain = plainAddress(address)
    const zone = zoneOf(address)
    return this.#addresses
      .list()
      .filter((local) => local.address === plain && (zone === undefined || local.interface === zone))
  }
}
