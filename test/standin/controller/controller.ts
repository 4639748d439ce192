import { setTimeout as delay } from 'node:timers/promises'
import { loadCertificate } from './certificate.ts'
import { DataVolume } from './data.ts'
import { Database } from './database.ts'
import { runEntrypoint } from './entrypoint.ts'
import { changeFaults, type Faults } from './faults.ts'
import { General } from './general.ts'
import { createLog, type Log } from './log.ts'
import { operatorApi } from './operator-api.ts'
import { DeviceRegistry } from './registry.ts'
import { Services } from './services.ts'
import { type Environment, type PortName, readSettings, type Settings } from './settings.ts'

export type Phase = 'new' | 'starting' | 'running' | 'out-of-memory' | 'stopping' | 'ended'
export type OpenPorts = Partial<Record<PortName, number>>

/**
 * The stand-in controller, configured by environment alone as the image is. It never touches the process: whoever made
 * it ends the process with the code that `ended` resolves with.
 */
export class StandinController {
  readonly #settings: Settings
  readonly #log: Log
  readonly #data: DataVolume
  readonly #database: Database
  readonly #registry: DeviceRegistry
  readonly #services: Services
  readonly #general: General
  readonly #timers: NodeJS.Timeout[] = []
  readonly #cancelled = new AbortController()
  readonly #api = operatorApi({
    devices: () =>
      this.#registry.list().map((device) => ({ ...device, datagrams: this.#services.datagramsFrom(device.mac) })),
    adopt: (mac) => this.#registry.adopt(mac),
    stats: () => this.#services.stats(),
    health: () => this.#health(),
    faults: () => this.#faults,
    changeFaults: (change) => this.#changeFaults(change),
    settings: () => this.#general.get(),
    changeSettings: (change) => this.#general.change(change),
  })
  #faults: Faults
  #phase: Phase = 'new'
  #booting: Promise<void> = Promise.resolve()
  #end: (code: number) => void = () => undefined
  /** The exit code that a process would have now: 1 refused or failed, 143 stopped by SIGTERM, else a crash's. */
  readonly ended: Promise<number> = new Promise((resolve) => {
    this.#end = resolve
  })
  /** What has been opened so far. */
  readonly ports: OpenPorts = {}

  /** @throws Error that names a malformed variable */
  constructor(o: { environment: Environment; write: (line: string) => void }) {
    this.#settings = readSettings(o.environment)
    this.#faults = this.#settings.faults
    this.#log = createLog({
      directory: this.#settings.logsDirectory,
      show: this.#settings.showServerLogs,
      write: o.write,
    })
    this.#data = new DataVolume(this.#settings.dataDirectory)
    const settings = this.#settings
    const log = this.#log
    const data = this.#data
    this.#database = new Database({ settings, data, log, faults: this.#faults })
    this.#registry = new DeviceRegistry({ ...settings, data, now: () => performance.now() })
    this.#general = new General({ data, address: settings.address })
    this.#services = new Services({
      settings,
      log,
      registry: this.#registry,
      database: this.#database,
      general: this.#general,
      faults: () => this.#faults,
      isSilent: () => this.#phase === 'out-of-memory',
    })
  }

  /** Resolves when ready, or when the start has failed or was cut short: then `ended` says how. */
  async start(): Promise<OpenPorts> {
    this.#phase = 'starting'
    try {
      this.#booting = this.#boot()
      await this.#booting
    } catch (error) {
      if (this.#cancelled.signal.aborted) return this.ports
      const reason = error instanceof Error ? error.message : String(error)
      this.#log.server(
        'ERROR',
        'c.t.s.o.s.OmadaBootstrap',
        `Failed to start omada controller, going to exit: ${reason}`,
      )
      await this.#finish(1, true)
    }
    return this.ports
  }

  async #boot(): Promise<void> {
    const s = this.#settings
    if (!runEntrypoint(s, this.#data, this.#log)) return await this.#finish(1, false)
    this.#opened({ api: await this.#api.start(s.ports.api, s.bind) })
    this.#scheduleFaults()
    this.#log.server(
      'INFO',
      'c.t.s.o.s.OmadaLinuxMain',
      `Starting OmadaLinuxMain v${s.version} with PID ${process.pid}`,
    )
    await this.#workFor(0.1)
    const kept = this.#checkKept()
    const mongo = await this.#database.start()
    if (mongo !== undefined) this.#opened({ mongo })
    this.#registry.load()
    await this.#workFor(0.4)
    this.#opened(await this.#services.startWeb(loadCertificate(s.certificate, this.#data), kept))
    await this.#workFor(0.5)
    this.#opened(await this.#services.startDevices())
    this.#cancelled.signal.throwIfAborted()
    this.#phase = 'running'
    this.#log.facade('Device connector server started.')
    this.#log.facade('Omada Controller started')
    this.#log.server('INFO', 'c.t.s.o.s.t.SuccessExitTask', 'Omada Controller started')
    this.#log.server('INFO', 'c.t.s.o.s.OmadaBootstrap', 'record: finished run omada tasks')
  }

  /** SIGTERM (exit code 143) or SIGINT (130). Does nothing while that fault is set, and a second time. */
  async stop(code = 143): Promise<void> {
    if (this.#faults.stop === 'ignore' || this.#phase === 'stopping' || this.#phase === 'ended') return
    this.#phase = 'stopping'
    this.#cancelled.abort()
    await this.#booting.catch(() => undefined)
    this.#log.server('INFO', 'c.t.s.e.s.d', 'going to shutdown ecsp thread pools.', 'SpringApplicationShutdownHook')
    this.#services.stop()
    const end = performance.now() + this.#faults.stopSeconds * 1000
    while (performance.now() < end) {
      this.#log.server('INFO', 'c.t.s.o.s.g.b', 'Going to stop mongod', 'Thread-0')
      await delay(Math.min(1000, end - performance.now()))
    }
    // As 6.3 was seen to do (thread #807 of the image's repository).
    if (this.#faults.stop === 'linger') await this.#database.stop(true)
    else await this.#finish(code, true)
  }

  /** Dies at once: what a kill or a crash leaves behind. */
  async crash(code: number): Promise<void> {
    this.#phase = 'stopping'
    this.#cancelled.abort()
    await this.#booting.catch(() => undefined)
    await this.#finish(code, false)
  }

  async #finish(code: number, orderly: boolean): Promise<void> {
    for (const timer of this.#timers) clearTimeout(timer)
    this.#services.stop()
    await this.#database.stop(orderly)
    this.#api.stop()
    if (orderly) {
      this.#log.server('INFO', 'c.t.s.o.s.OmadaBootstrap', 'Omada Controller exited', 'Thread-1')
      this.#log.server('INFO', 'c.t.s.o.s.OmadaLinuxMain', 'ShutdownHook: service stopped.', 'Thread-1')
    }
    this.#phase = 'ended'
    this.#end(code)
  }

  /** Passes this share of the configured start time, with a log line a second. */
  async #workFor(share: number): Promise<void> {
    const end = performance.now() + this.#faults.startSeconds * 1000 * share
    while (performance.now() < end) {
      this.#log.server('INFO', 'c.t.s.o.s.t.SpringBootStartUpTask', 'record: SpringBootStartUpTask is running')
      await delay(Math.min(1000, end - performance.now()), undefined, { signal: this.#cancelled.signal })
    }
    this.#cancelled.signal.throwIfAborted()
  }

  /**
   * What the database keeps of the first start: the web ports, which rule from then on (image's README, "Using
   * non-default ports"), and from 6.2 on the address, which must not change (thread #764).
   * @throws Error when the address has changed
   */
  #checkKept(): { manageHttp: number; manageHttps: number } {
    const { ports, address, major, minor, overrideWebPorts } = this.#settings
    const file = 'db/standin.json'
    const before = this.#data.readJson<{ nodeIp: string; manageHttp: number; manageHttps: number }>(file)
    const nodeIp = this.#faults.mongoNodeIp ?? before?.nodeIp ?? address
    if ((major > 6 || (major === 6 && minor >= 2) || this.#faults.mongoNodeIp !== undefined) && nodeIp !== address) {
      this.#log.facade(`The mongo.node.ip=${nodeIp}, but the current ip does not match it.`)
      throw new Error('mongo.node.ip')
    }
    const { manageHttp, manageHttps } = before === undefined || overrideWebPorts ? ports : before
    this.#data.write(file, JSON.stringify({ nodeIp, manageHttp, manageHttps }))
    return { manageHttp, manageHttps }
  }

  #scheduleFaults(): void {
    const { crash, outOfMemoryAfterSeconds: memory } = this.#faults
    if (crash !== undefined) this.#later(crash.afterSeconds, () => void this.crash(crash.code))
    if (memory !== undefined) this.#later(memory, () => this.#exhaust())
  }

  #later(seconds: number, action: () => void): void {
    this.#timers.push(setTimeout(action, seconds * 1000))
  }

  #exhaust(): void {
    this.#log.server(
      'ERROR',
      'o.a.c.c.C.[.[.[.[dispatcherServlet]',
      'java.lang.OutOfMemoryError: Java heap space',
      'https-jsse-nio-8043-exec-5',
    )
    this.#log.silence()
    this.#phase = 'out-of-memory'
  }

  async #changeFaults(change: Readonly<Record<string, unknown>>): Promise<Faults> {
    this.#faults = changeFaults(this.#faults, change)
    await this.#database.change(this.#faults)
    if (this.#phase === 'running') this.#opened(await this.#services.applyFaults())
    if ('outOfMemory' in change) this.#exhaust()
    const { crash } = this.#faults
    if ('crash' in change && crash !== undefined) this.#later(crash.afterSeconds, () => void this.crash(crash.code))
    return this.#faults
  }

  #opened(ports: OpenPorts): void {
    if (Object.entries(ports).every(([name, port]) => this.ports[name as PortName] === port)) return
    Object.assign(this.ports, ports)
    this.#log.own(`STANDIN_PORTS ${JSON.stringify(this.ports)}`)
  }

  #health(): unknown {
    const { version, omadacId, address } = this.#settings
    const history = this.#data.history()
    const uncleanStops = history.filter((entry) => entry.event === 'unclean-start').length
    const data = { state: this.#data.dirty ? 'dirty' : 'clean', uncleanStops, history }
    const hosts = { deviceHost: this.#general.deviceHost(), portalHost: this.#general.portalHost() }
    const database = { starts: this.#database.starts }
    return {
      ready: this.#phase === 'running',
      phase: this.#phase,
      version,
      omadacId,
      address,
      ...hosts,
      database,
      data,
    }
  }
}
