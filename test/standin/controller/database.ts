import { setTimeout as delay } from 'node:timers/promises'
import { accepts, MongodProcess } from '../mongo/process.ts'
import { MongoServer } from '../mongo/server.ts'
import type { DataVolume } from './data.ts'
import type { Faults } from './faults.ts'
import type { Log } from './log.ts'
import type { Settings } from './settings.ts'

/** How often the real controller's watch is heard about a dead mongod; its own period is not known. */
const complainMilliseconds = 10_000

/** How often a database writes, whatever its clients do: a second is less than any real one lets pass. */
const writeMilliseconds = 2000

/** The controller's database: embedded (posing or a real mongod) or external, and its faults. */
export class Database {
  readonly #settings: Settings
  readonly #data: DataVolume
  readonly #log: Log
  readonly #server: MongoServer | MongodProcess | undefined
  #faults: Faults
  #port = 0
  #opened = false
  /** The disk was full when it wrote last: mongod ends then. */
  #full = false
  #writes: NodeJS.Timeout | undefined
  #complaints: NodeJS.Timeout | undefined
  #last: Promise<void> = Promise.resolve()

  constructor(o: { settings: Settings; data: DataVolume; log: Log; faults: Faults }) {
    this.#settings = o.settings
    this.#data = o.data
    this.#log = o.log
    this.#faults = o.faults
    const { externalMongo, mongod, mongoHost: host, pose, ports } = o.settings
    if (externalMongo !== undefined) return
    this.#server =
      mongod === undefined
        ? new MongoServer({ pose, host, port: ports.mongo })
        : new MongodProcess({ command: mongod, directory: o.data.path('db'), host, port: ports.mongo })
  }

  /** Marks the data dirty and serves. Resolves with the port; undefined for an external database. */
  async start(): Promise<number | undefined> {
    const embedded = this.#server instanceof MongoServer
    if (this.#data.open(this.#settings.version, this.#settings.pose, embedded) === 'unclean-start') {
      const file = `${this.#data.path('db')}/mongod.lock`
      this.#log.server('WARN', 'c.t.s.o.s.s.b', `Detected unclean shutdown - ${file} is not empty.`)
    }
    this.#opened = true
    if (this.#server === undefined) return undefined
    this.#log.server('INFO', 'c.t.s.o.s.OmadaBootstrap', 'going to start local mongod.')
    this.#port = await this.#server.start()
    this.#log.facade('Mongo DB server started')
    this.#log.server('INFO', 'c.t.s.o.s.s.b', 'Mongo DB server started')
    await this.change(this.#faults)
    if (this.#server instanceof MongoServer) this.#writes = setInterval(() => this.#write(), writeMilliseconds)
    return this.#port
  }

  /** Takes the faults that are in force from now on; one change after the other. */
  change(faults: Faults): Promise<void> {
    const changed = this.#last.then(() => this.#change(faults))
    this.#last = changed.catch(() => undefined)
    return changed
  }

  async #change(faults: Faults): Promise<void> {
    this.#faults = faults
    const server = this.#server
    if (server === undefined || !this.#opened) return
    if (server instanceof MongoServer) server.delayMilliseconds = this.#delay()
    const dead = faults.database === 'dead' || this.#full
    if (dead && server.up) {
      await server.stop()
      this.#complain()
      this.#complaints = setInterval(() => this.#complain(), complainMilliseconds)
    } else if (!dead && !server.up) {
      clearInterval(this.#complaints)
      await server.start()
      this.#log.server('INFO', 'c.t.s.o.s.s.b', 'Mongo DB server started', 'mongo-check-thread')
    }
  }

  /** True when the controller can work with its database; late when that is slow. */
  async works(): Promise<boolean> {
    if (this.#delay() > 0) await delay(this.#delay())
    const { externalMongo, mongoHost } = this.#settings
    if (externalMongo === undefined) return await accepts(mongoHost, this.#port, 2000)
    const [, host, port] = /^mongodb:\/\/(?:[^@/]*@)?([^:/,?]+)(?::(\d+))?/.exec(externalMongo) ?? []
    return host !== undefined && (await accepts(host, Number(port ?? 27017), 2000))
  }

  /** Everything closed; `orderly` marks the data clean, as after a stop that was not cut short. */
  async stop(orderly: boolean): Promise<void> {
    clearInterval(this.#complaints)
    clearInterval(this.#writes)
    await this.#last
    await this.#server?.stop()
    // One that ended for want of room has not closed its files.
    if (!orderly || !this.#opened || this.#full) return
    this.#opened = false
    this.#data.close(this.#settings.version)
    this.#log.server('INFO', 'c.t.s.o.s.OmadaBootstrap', 'success to shutdown mongodb database', 'Thread-1')
  }

  #write(): void {
    const full = !this.#data.journal()
    if (full === this.#full) return
    this.#full = full
    void this.change(this.#faults)
  }

  #delay(): number {
    return this.#faults.database === 'slow' ? this.#faults.databaseDelaySeconds * 1000 : 0
  }

  #complain(): void {
    const thread = 'mongo-check-thread'
    this.#log.server('INFO', 'c.t.s.o.s.OmadaBootstrap', 'mongod was shutdown, restarting it', thread)
    const { databaseExitCode: code } = this.#faults
    this.#log.server('ERROR', 'c.t.s.o.s.s.b', `Command execution failed with exit code ${code} .`, thread)
    this.#log.facade(`Fail to start mongo DB server with exit code ${code}`)
  }
}
