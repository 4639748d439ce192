import type { Lan } from '../../support/lan.ts'
import type { Namespace } from '../../support/namespace.ts'

/** An announce has some hundred bytes; what omada-hosts say to each other has fewer (UDP length, with its header). */
const shortestAnnounce = 250

/** What passes on a LAN, counted by the kernel of a neighbour who hears everything. */
export class Wire {
  readonly #namespace: Namespace

  private constructor(namespace: Namespace) {
    this.#namespace = namespace
  }

  /** @param namespace plugged into the LAN, and only listening */
  static async tap(lan: Lan, namespace: Namespace): Promise<Wire> {
    await lan.repeat()
    await namespace.run(['ip', 'link', 'set', 'eth0', 'promisc', 'on'])
    await namespace.run(['nft', rules])
    return new Wire(namespace)
  }

  /** Discovery datagrams so far, to or from port 29810, and those among them that are long enough to be announces. */
  async datagrams(): Promise<{ all: number; announces: number }> {
    const text = await this.#namespace.run(['nft', '--json', 'list', 'counters', 'table', 'netdev', 'wire'])
    const { nftables } = JSON.parse(text) as { nftables: { counter?: { name: string; packets: number } }[] }
    const packets = (name: string) => nftables.find(({ counter }) => counter?.name === name)?.counter?.packets ?? 0
    return { all: packets('datagrams'), announces: packets('announces') }
  }
}

const rules = `table netdev wire {
  counter datagrams {}
  counter announces {}
  chain arrives {
    type filter hook ingress device eth0 priority 0
    udp sport 29810 counter name datagrams
    udp sport != 29810 udp dport 29810 counter name datagrams
    udp dport 29810 udp length >= ${shortestAnnounce} counter name announces
  }
}`
