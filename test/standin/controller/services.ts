import type { KeyPair } from './certificate.ts'
import type { OpenPorts } from './controller.ts'
import type { Database } from './database.ts'
import { DiscoveryServer } from './discovery.ts'
import type { Faults } from './faults.ts'
import type { General } from './general.ts'
import type { TcpListener } from './listeners.ts'
import type { Log } from './log.ts'
import { ManagementServer } from './management.ts'
import { OpenApi } from './open-api.ts'
import type { DeviceRegistry } from './registry.ts'
import type { PortName, Settings } from './settings.ts'
import { appAnswer, OpaqueUdpPort, quietPort } from './side-ports.ts'
import { managementWeb, portalWeb, redirectWeb } from './web.ts'

/** Everything that the controller listens on for others. */
export class Services {
  readonly #settings: Settings
  readonly #log: Log
  readonly #registry: DeviceRegistry
  readonly #database: Database
  readonly #general: General
  readonly #faults: () => Faults
  readonly #isSilent: () => boolean
  readonly #tcp = new Map<PortName, TcpListener>()
  readonly #app: OpaqueUdpPort
  readonly #olt: OpaqueUdpPort
  readonly #discovery: DiscoveryServer
  #management: ManagementServer | undefined
  #managementPort = 0
  #managementOpen = false
  #discoveryOpen = false
  #stopped = false

  constructor(o: {
    settings: Settings
    log: Log
    registry: DeviceRegistry
    database: Database
    general: General
    faults: () => Faults
    isSilent: () => boolean
  }) {
    this.#settings = o.settings
    this.#log = o.log
    this.#registry = o.registry
    this.#database = o.database
    this.#general = o.general
    this.#faults = o.faults
    this.#isSilent = o.isSilent
    this.#app = new OpaqueUdpPort({ reply: appAnswer(o.settings), isSilent: o.isSilent })
    this.#olt = new OpaqueUdpPort({ isSilent: o.isSilent })
    this.#discovery = new DiscoveryServer({ ...o, adoptPort: () => this.#managementPort })
  }

  /** The web ports; `kept` are those that the database rules. A port that two share is opened once. */
  async startWeb(certificate: KeyPair, kept: { manageHttp: number; manageHttps: number }): Promise<OpenPorts> {
    const { ports, major, minor } = this.#settings
    const isSilent = this.#isSilent
    const openApi = new OpenApi({ settings: this.#settings, general: this.#general })
    const management = () =>
      managementWeb({ settings: this.#settings, certificate, database: this.#database, openApi, isSilent })
    const opened: OpenPorts = {}
    opened.manageHttps = await this.#listen('manageHttps', management(), kept.manageHttps)
    const redirect = () => redirectWeb({ httpsPort: () => opened.manageHttps ?? 0, isSilent })
    opened.manageHttp = await this.#listen('manageHttp', redirect(), kept.manageHttp)
    if (ports.portalHttp !== ports.manageHttp && ports.portalHttp !== kept.manageHttp) {
      opened.portalHttp = await this.#listen('portalHttp', redirect(), ports.portalHttp)
    }
    opened.portalHttps = await this.#listen('portalHttps', portalWeb({ certificate, isSilent }), ports.portalHttps)
    const separateUpgrade = ports.upgradeHttps !== ports.manageHttps && ports.upgradeHttps !== kept.manageHttps
    if (separateUpgrade && (major > 6 || (major === 6 && minor >= 1))) {
      opened.upgradeHttps = await this.#listen('upgradeHttps', management(), ports.upgradeHttps)
    }
    if (major > 6 || (major === 6 && minor >= 3)) {
      opened.upgradeEsHttps = await this.#listen('upgradeEsHttps', management(), ports.upgradeEsHttps)
    }
    this.#management = new ManagementServer({
      settings: this.#settings,
      registry: this.#registry,
      log: this.#log,
      certificate,
      deviceHost: () => this.#general.deviceHost(),
      isSilent,
    })
    return opened
  }

  /** The device ports and those of the app. */
  async startDevices(): Promise<OpenPorts> {
    const { ports, bind, major } = this.#settings
    const v6 = major >= 6
    const opened: OpenPorts = { ...(await this.applyFaults()) }
    opened.appDiscovery = await this.#app.start(ports.appDiscovery, bind)
    if (v6) opened.olt = await this.#olt.start(ports.olt, bind)
    const quiet = ['managerV1', 'adoptV1', 'upgradeV1', 'transferV2', 'rtty', ...(v6 ? ['deviceMonitor' as const] : [])]
    for (const name of quiet as PortName[]) {
      opened[name] = await this.#listen(name, quietPort(), ports[name])
      this.#bound(name === 'rtty' ? 'RttyNettyTcpServer' : 'NettyTcpServer', opened[name])
    }
    return opened
  }

  /** Opens and closes 29810 and 29814 as the faults say. */
  async applyFaults(): Promise<OpenPorts> {
    const { discovery, management } = this.#faults()
    const opened: OpenPorts = {}
    if (this.#stopped || this.#management === undefined) return opened
    if ((management === 'up') !== this.#managementOpen) {
      this.#managementOpen = management === 'up'
      if (this.#managementOpen) {
        opened.managerV2 = this.#managementPort = await this.#management.start()
        this.#bound('NettyTcpServer', this.#managementPort)
      } else this.#management.stopAccepting()
    }
    if ((discovery === 'up') !== this.#discoveryOpen) {
      this.#discoveryOpen = discovery === 'up'
      if (this.#discoveryOpen) {
        opened.discovery = await this.#discovery.start()
        this.#bound('NettyUdpServer', opened.discovery)
      } else this.#discovery.stop()
    }
    return opened
  }

  /** Well-formed datagrams on 29810 from a MAC, duplicates and stale ones included. */
  datagramsFrom(mac: string): number {
    return this.#discovery.datagramsFrom(mac)
  }

  stats(): unknown {
    const tcp = [...this.#tcp].map(([name, listener]) => [name, listener.count] as const)
    const managerV2 = this.#management?.count() ?? { open: 0, total: 0 }
    return {
      discovery: { ...this.#discovery.counts, byMac: this.#discovery.byMac() },
      app: this.#app.counts,
      olt: { received: this.#olt.counts.received },
      tcp: { ...Object.fromEntries(tcp), managerV2 },
    }
  }

  /** Everything closed. Idempotent. */
  stop(): void {
    this.#stopped = true
    this.#discovery.stop()
    this.#app.stop()
    this.#olt.stop()
    this.#management?.stop()
    for (const listener of this.#tcp.values()) listener.stop()
  }

  async #listen(name: PortName, listener: TcpListener, port: number): Promise<number> {
    this.#tcp.set(name, listener)
    return await listener.start(port, this.#settings.bind)
  }

  #bound(server: string, port: number): void {
    const text = `Start ${server} bind /0.0.0.0:${port}, export localhost/127.0.0.1:${port}`
    this.#log.server('INFO', 'c.t.s.e.t.a.t.AbstractServer', text)
  }
}
