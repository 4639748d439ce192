import { chmodSync } from 'node:fs'
import { basename, join } from 'node:path'
import { Device, type DeviceOptions } from '../../support/device.ts'
import { Lan } from '../../support/lan.ts'
import { Ledger } from '../../support/ledger.ts'
import { Namespace } from '../../support/namespace.ts'
import { Operator } from '../../support/operator.ts'
import { Appliance } from './appliance.ts'
import { standinImage, standinImageStore } from './images.ts'
import { Outpost } from './outpost.ts'
import { Podman } from './podman.ts'
import { Registry } from './registry.ts'

export const controllerAddress = '10.129.81.10'

export interface TestHostOptions {
  /** Bridges of the host: interface name to the host's address on it, such as `{ lan10: '10.77.10.1/24' }`. */
  readonly lans?: Readonly<Record<string, string>>
  /** Sections merged over the harness's own, key by key. */
  readonly config?: Readonly<Record<string, object>>
  /** Environment of the controller: the stand-in's faults. */
  readonly standin?: Readonly<Record<string, string>>
  /** False: the image has to be pulled. */
  readonly imageStored?: boolean
  /** False: no API service is started. */
  readonly engine?: boolean
  /** Environment of the appliance, over what makes it use this host's Podman. */
  readonly environment?: Readonly<Record<string, string>>
  /** Called with the host's own directory before anything starts; returns the copy of the program to run. */
  readonly program?: (directory: string) => Promise<string>
}

/** A machine of its own for one test file: network namespace, LANs, Podman, registry, appliance. README.md shows its use. */
export class TestHost {
  readonly ledger: Ledger
  readonly namespace: Namespace
  readonly outpost: Outpost
  readonly podman: Podman
  readonly registry: Registry
  readonly appliance: Appliance
  readonly operator: Operator
  readonly #options: TestHostOptions
  readonly #lans: ReadonlyMap<string, Lan>
  readonly #devices: Device[] = []
  #namespaces = 0

  private constructor(parts: {
    ledger: Ledger
    namespace: Namespace
    outpost: Outpost
    podman: Podman
    lans: ReadonlyMap<string, Lan>
    options: TestHostOptions
    program: string | undefined
  }) {
    this.ledger = parts.ledger
    this.namespace = parts.namespace
    this.outpost = parts.outpost
    this.podman = parts.podman
    this.#lans = parts.lans
    this.#options = parts.options
    const { ledger, namespace, outpost } = parts
    this.registry = new Registry(ledger, { namespace, outpost, directory: join(ledger.directory, 'registry') })
    this.appliance = new Appliance(ledger, {
      namespace,
      directory: ledger.directory,
      environment: { ...this.podman.environment, ...parts.options.environment },
      config: this.config(),
      ...(parts.program === undefined ? {} : { program: parts.program }),
    })
    const request = outpost.json.bind(outpost)
    this.operator = new Operator({ address: controllerAddress, request })
  }

  /** Everything but the appliance runs when this resolves. On rejection nothing is left. */
  static async open(options: TestHostOptions = {}): Promise<TestHost> {
    const imageStores = options.imageStored === false ? [] : [await standinImageStore()]
    const ledger = await Ledger.open('omada-host-test-', '/var/tmp')
    // The edge runs as an unprivileged user and has its socket and state below this directory.
    chmodSync(ledger.directory, 0o755)
    try {
      const namespace = await Namespace.make(ledger, basename(ledger.directory))
      const podman = Podman.make(ledger, { namespace, directory: join(ledger.directory, 'podman'), imageStores })
      const lans = new Map<string, Lan>()
      for (const [name, address] of Object.entries(options.lans ?? {})) {
        lans.set(name, await Lan.make(ledger, { name, host: namespace, address }))
      }
      const outpost = await Outpost.open(ledger, namespace)
      if (options.engine !== false) await podman.startService()
      const program = await options.program?.(ledger.directory)
      return new TestHost({ ledger, namespace, outpost, podman, lans, options, program })
    } catch (error) {
      await ledger.close()
      throw error
    }
  }

  /** The configuration: the harness's, the host's options over it, `change` over both. */
  config(change: Readonly<Record<string, object>> = {}): object {
    const own: Record<string, object> = {
      controller: {
        image: `${standinImage}:6.2`,
        pull: 'never',
        stopGraceSeconds: 60,
        environment: this.#options.standin ?? {},
      },
      engine: { socket: this.podman.socket },
      // Podman keeps the addresses in use by network name, in one place for all storages of a machine.
      network: { name: this.namespace.name?.replace('host-test-', '') },
      health: { intervalSeconds: 2 },
    }
    for (const sections of [this.#options.config ?? {}, change]) {
      for (const [name, section] of Object.entries(sections)) own[name] = { ...own[name], ...section }
    }
    return own
  }

  lan(name: string): Lan {
    const lan = this.#lans.get(name)
    if (lan === undefined) throw new Error(`this host has no LAN ${name}`)
    return lan
  }

  /** A namespace plugged into a LAN, to put a device or an outpost in. @param last the last number of its address */
  async neighbour(lan: string, last: number): Promise<Namespace> {
    this.#namespaces += 1
    const namespace = await Namespace.make(this.ledger, `${this.namespace.name}-${this.#namespaces}`)
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

  /** The end of the log of the appliance and of every device. */
  report(): string {
    const devices = this.#devices.map((device) => `--- ${device.child.what}\n${device.child.tail(15)}`)
    return [this.appliance.report(), ...devices].join('\n')
  }

  /** Ends and removes everything, the appliance first: without its engine it could not stop its controller. */
  async close(): Promise<void> {
    await this.appliance.end()
    this.outpost.close()
    await this.ledger.close()
  }
}
