import { type Ipv4Network, ipv4Contains, parseIpv4, parseIpv4Network } from '../../core/cidr.ts'
import type { LocalAddress, LocalAddresses } from '../../network/interfaces.ts'

/** This machine's addresses, prepared for a look at every datagram; follows them as they come and go. */
export class OwnAddresses {
  readonly #addresses: LocalAddresses
  #list: readonly LocalAddress[] | undefined
  #own: ReadonlySet<string> = new Set()
  #networks: readonly Ipv4Network[] = []

  constructor(options: { addresses: LocalAddresses }) {
    this.#addresses = options.addresses
  }

  has(address: string): boolean {
    this.#refresh()
    return this.#own.has(address)
  }

  /** True when an interface of this machine is in the same IPv4 network as `address`, as the bridge is with the container. */
  isOnLink(address: string): boolean {
    this.#refresh()
    const value = parseIpv4(address)
    return value !== undefined && this.#networks.some((network) => ipv4Contains(network, value))
  }

  #refresh(): void {
    const list = this.#addresses.list()
    if (list === this.#list) return
    this.#list = list
    this.#own = new Set(list.map((local) => local.address))
    this.#networks = list.flatMap((local) => parseIpv4Network(`${local.address}/${local.prefix}`) ?? [])
  }
}
