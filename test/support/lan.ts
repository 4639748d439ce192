import type { Ledger } from './ledger.ts'
import { Namespace } from './namespace.ts'

/**
 * One Ethernet segment: a bridge, and any number of namespaces plugged into it by veth pairs. Traffic never leaves the
 * bridge. It is in the host's namespace and carries the host's own address, or it is apart, like a switch on a shelf: then
 * hosts are plugged in as well, and it outlives them.
 */
export class Lan {
  /** The bridge's interface name, which is the host's interface on it; at most 11 characters: ports are named after it. */
  readonly name: string
  /** The host's address on this LAN, without the prefix. */
  readonly hostAddress: string
  readonly prefix: number
  /** Where the bridge is. */
  readonly #place: Namespace
  #ports = 0

  private constructor(options: { name: string; place: Namespace; hostAddress: string; prefix: number }) {
    this.name = options.name
    this.hostAddress = options.hostAddress
    this.prefix = options.prefix
    this.#place = options.place
  }

  /**
   * @param options.host where the bridge is made
   * @param options.address the host's address on it, such as 10.77.0.1/24
   * @param options.apart true: `host` is only the bridge's place; who has the address is plugged in by `plugHost`
   */
  static async make(
    ledger: Ledger,
    options: { name: string; host?: Namespace; address: string; apart?: boolean },
  ): Promise<Lan> {
    const { name, host = Namespace.own, address, apart = false } = options
    const [hostAddress = '', prefix = '24'] = address.split('/')
    // In a namespace of its own the bridge goes with the namespace.
    if (host.name === undefined) {
      ledger.willMake(`bridge ${name}`, [
        'sh',
        '-c',
        `! ip link show ${name} >/dev/null 2>&1 || ip link delete ${name}`,
      ])
    }
    await host.run(['ip', 'link', 'add', name, 'type', 'bridge'])
    if (!apart) await host.run(['ip', 'address', 'add', address, 'brd', '+', 'dev', name])
    await host.run(['ip', 'link', 'set', name, 'up'])
    return new Lan({ name, place: host, hostAddress, prefix: Number(prefix) })
  }

  /** The address of this LAN that ends in `last`; for networks of /24. */
  address(last: number): string {
    return this.hostAddress.replace(/\d+$/, String(last))
  }

  /**
   * Plugs a namespace in: interface `eth0` there with this address, the host as its default gateway.
   * @param last the last number of its address on this LAN
   */
  async plug(namespace: Namespace, last: number): Promise<string> {
    const address = this.address(last)
    await this.#cable(namespace, 'eth0', address)
    await namespace.run(['ip', 'route', 'add', 'default', 'via', this.hostAddress])
    return address
  }

  /** Plugs a host in: an interface of this LAN's name there, with the host's address or with another host's own. */
  async plugHost(namespace: Namespace, address = this.hostAddress): Promise<void> {
    await this.#cable(namespace, this.name, address)
  }

  /** From now on every port gets everything, as on a hub. */
  async repeat(): Promise<void> {
    await this.#place.run(['ip', 'link', 'set', this.name, 'type', 'bridge', 'ageing_time', '0'])
  }

  async #cable(namespace: Namespace, interface_: string, address: string): Promise<void> {
    this.#ports += 1
    const port = `${this.name}-p${this.#ports}`
    const there = [interface_, 'netns', namespace.name ?? '']
    await this.#place.run(['ip', 'link', 'add', port, 'master', this.name, 'type', 'veth', 'peer', 'name', ...there])
    await this.#place.run(['ip', 'link', 'set', port, 'up'])
    await namespace.run(['ip', 'address', 'add', `${address}/${this.prefix}`, 'brd', '+', 'dev', interface_])
    await namespace.run(['ip', 'link', 'set', interface_, 'up'])
  }
}
