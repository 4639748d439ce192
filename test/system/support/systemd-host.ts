import { chmodSync } from 'node:fs'
import { basename, join } from 'node:path'
import { Device, type DeviceOptions } from '../../support/device.ts'
import { Lan } from '../../support/lan.ts'
import { Ledger } from '../../support/ledger.ts'
import { Namespace } from '../../support/namespace.ts'
import { Operator } from '../../support/operator.ts'
import { debianRoot, type HostEngine } from './debian-root.ts'
import { InstalledAppliance } from './installed-appliance.ts'
import { Outpost } from './outpost.ts'
import { Registry } from './registry.ts'
import { MachineEngine } from './systemd-engine.ts'
import { SystemdMachine } from './systemd-machine.ts'
import { controllerAddress } from './test-host.ts'

export interface SystemdHostOptions {
  /**
   * Its interfaces: name to address, such as `{ lan10: '10.77.10.1/24' }` on a LAN of its own, or
   * `{ lan10: { of: another, address: '10.77.10.2' } }` on that of another host, which is closed after this one.
   */
  readonly lans?: Readonly<Record<string, string | { readonly of: SystemdHost; readonly address: string }>>
  /** Default podman. */
  readonly engine?: HostEngine
}

/**
 * A Debian 13 host for one test file: systemd as PID 1, a container engine, LANs that outlive its boots, a registry on its
 * loopback. README.md shows its use.
 */
export class SystemdHost {
  readonly ledger: Ledger
  readonly machine: SystemdMachine
  readonly engine: MachineEngine
  readonly appliance: InstalledAppliance
  readonly operator: Operator
  readonly #namespace: string
  /** Where the bridges of its LANs are. */
  readonly #shelf: Namespace
  readonly #lans = new Map<string, { readonly lan: Lan; readonly address: string }>()
  readonly #devices: Device[] = []
  #inside: { readonly namespace: Namespace; readonly outpost: Outpost; readonly registry: Registry } | undefined
  #neighbours = 0

  private constructor(ledger: Ledger, machine: SystemdMachine, shelf: Namespace, engine: HostEngine) {
    this.ledger = ledger
    this.machine = machine
    this.engine = new MachineEngine(machine, engine)
    this.#namespace = machine.name
    this.#shelf = shelf
    this.appliance = new InstalledAppliance(machine, this.engine)
    const request = <T>(url: string, method?: string, body?: unknown) => this.outpost.json<T>(url, method, body)
    this.operator = new Operator({ address: controllerAddress, request })
  }

  /** A host that has booted. On rejection nothing is left. */
  static async open(options: SystemdHostOptions = {}): Promise<SystemdHost> {
    const { lans: wanted = {}, engine = 'podman' } = options
    const root = await debianRoot(engine)
    const ledger = await Ledger.open('omada-host-test-', '/var/tmp')
    chmodSync(ledger.directory, 0o755)
    try {
      const name = basename(ledger.directory)
      const machine = SystemdMachine.make(ledger, { name, root, directory: join(ledger.directory, 'machine') })
      const host = new SystemdHost(ledger, machine, await Namespace.make(ledger, `${name}-lan`), engine)
      for (const [lan, at] of Object.entries(wanted)) {
        if (typeof at === 'string') await host.#makeLan(lan, at)
        else host.#lans.set(lan, { lan: at.of.lan(lan), address: at.address })
      }
      await host.boot()
      return host
    } catch (error) {
      await ledger.close()
      throw error
    }
  }

  /** Its network namespace: another one, of the same name, after each boot. */
  get namespace(): Namespace {
    return this.#running.namespace
  }

  /** A process of ours in its network, outside its systemd. */
  get outpost(): Outpost {
    return this.#running.outpost
  }

  /** On 127.0.0.1:5000 in its network. What was pushed stays over boots; it has to be started after each. */
  get registry(): Registry {
    return this.#running.registry
  }

  get #running() {
    if (this.#inside === undefined) throw new Error('the host is off')
    return this.#inside
  }

  /** Boots it with a new network: nothing of the one before is left, as after a real boot. */
  async boot(): Promise<void> {
    const { ledger } = this
    const namespace = await Namespace.make(ledger, this.#namespace)
    // As a machine starts out; a namespace starts with what this machine's engines have set.
    await namespace.run(['sysctl', '--quiet', '--write', 'net.ipv4.ip_forward=0'])
    for (const { lan, address } of this.#lans.values()) await lan.plugHost(namespace, address)
    await this.machine.boot(namespace)
    await this.engine.configure()
    const outpost = await Outpost.open(ledger, namespace)
    const registry = new Registry(ledger, { namespace, outpost, directory: join(ledger.directory, 'registry') })
    this.#inside = { namespace, outpost, registry }
  }

  /** Shuts it down in order. Everything it holds open on the network ends with it. */
  async powerOff(): Promise<void> {
    await this.machine.powerOff()
    await this.#leaveNetwork()
  }

  /** As when the plug is pulled. */
  async cutPower(): Promise<void> {
    await this.machine.cutPower()
    await this.#leaveNetwork()
  }

  async #leaveNetwork(): Promise<void> {
    const { namespace, outpost, registry } = this.#running
    this.#inside = undefined
    outpost.close()
    await registry.stop()
    await namespace.remove()
  }

  /** Serves the image in its registry, installs the package and starts the service. Returns when that is ready. */
  async startAppliance(config: Readonly<Record<string, object>> = {}): Promise<void> {
    await this.registry.start()
    await this.registry.push('6.3')
    await this.appliance.install({ start: false })
    this.appliance.configure(config)
    const started = await this.appliance.systemctl('start')
    if (started.code !== 0) throw new Error(`systemctl start: ${started.stderr}`)
  }

  /** Plugs the running host into one more LAN. @param address its own there */
  async addLan(name: string, address: string): Promise<void> {
    const lan = await this.#makeLan(name, address)
    await lan.plugHost(this.namespace)
  }

  async #makeLan(name: string, address: string): Promise<Lan> {
    const lan = await Lan.make(this.ledger, { name, host: this.#shelf, address, apart: true })
    this.#lans.set(name, { lan, address: lan.hostAddress })
    return lan
  }

  lan(name: string): Lan {
    const known = this.#lans.get(name)
    if (known === undefined) throw new Error(`this host has no LAN ${name}`)
    return known.lan
  }

  /** A namespace plugged into a LAN, to put a device or an outpost in. @param last the last number of its address */
  async neighbour(lan: string, last: number): Promise<Namespace> {
    this.#neighbours += 1
    const namespace = await Namespace.make(this.ledger, `${this.#namespace}-${this.#neighbours}`)
    await this.lan(lan).plug(namespace, last)
    return namespace
  }

  /** A simulated device in a namespace of its own on a LAN, announcing every second unless its options say otherwise. */
  async device(lan: string, last: number, options: Omit<DeviceOptions, 'namespace'>): Promise<Device> {
    const device = await Device.start(this.ledger, {
      ...options,
      namespace: await this.neighbour(lan, last),
      options: ['--announce-seconds', '1', '--inform-seconds', '1', ...(options.options ?? [])],
    })
    this.#devices.push(device)
    return device
  }

  /** What its journal and its devices said last. */
  async report(): Promise<string> {
    const journal = this.machine.running ? await this.appliance.report() : 'the host is off'
    const devices = this.#devices.map((device) => `--- ${device.child.what}\n${device.child.tail(15)}`)
    return [journal, ...devices].join('\n')
  }

  /** Ends and removes everything at once; nothing of it outlives its PID 1. */
  async close(): Promise<void> {
    this.#inside?.outpost.close()
    await this.ledger.close()
  }
}
