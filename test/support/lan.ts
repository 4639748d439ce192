import type { Ledger } from './ledger.ts'
import { Namespace } from './namespace.ts'

/**
 * One Ethernet segment: a bridge in the host's namespace that carries the host's own address on it, and any number of
 * namespaces plugged into it by veth pairs. Traffic never leaves the bridge.
 */
export class Lan {
  /** The bridge's interface name in the host's namespace, at most 11 characters: ports are named after it. */
  readonly name: string
  /** The host's address on this LAN, without the prefix. */
  readonly hostAddress: string
  readonly prefix: number
  readonly #host: Namespace
  #ports = 0

  private constructor(options: { name: string; host: Namespace; hostAddress: string; prefix: number }) {
    this.name = options.name
    this.hostAddress = options.hostAddress
    this.prefix = options.prefix
    this.#host = options.host
  }

  /** @param address the host's address on it, such as 10.77.0.1/24 */
  static async make(ledger: Ledger, options: { name: string; host?: Namespace; address: string }): Promise<Lan> {
    const { name, host = Namespace.own, address } = options
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
    await host.run(['ip', 'address', 'add', address, 'brd', '+', 'dev', name])
    await host.run(['ip', 'link', 'set', name, 'up'])
    return new Lan({ name, host, hostAddress, prefix: Number(prefix) })
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
    this.#ports += 1
    const port = `${this.name}-p${this.#ports}`
    const there = ['eth0', 'netns', namespace.name ?? '']
    await this.#host.run(['ip', 'link', 'add', port, 'master', this.name, 'type', 'veth', 'peer', 'name', ...there])
    await this.#host.run(['ip', 'link', 'set', port, 'up'])
    await namespace.run(['ip', 'address', 'add', `${address}/${this.prefix}`, 'brd', '+', 'dev', 'eth0'])
    await namespace.run(['ip', 'link', 'set', 'eth0', 'up'])
    await namespace.run(['ip', 'route', 'add', 'default', 'via', this.hostAddress])
    return address
  }
}
