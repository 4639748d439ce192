import { setTimeout as delay } from 'node:timers/promises'
import { accepts, DatabaseProcess } from '../mongo/process.ts'
import { MongoServer } from '../mongo/server.ts'
import type { DataVolume } from './data.ts'
import type { Faults } from './faults.ts'
import type { Log } from './log.ts'
import type { Settings } from './settings.ts'
import { Store } from './store.ts'

/** How often the real controller's watch is heard about a dead mongod; its own period is not known. */
const complainMilliseconds = 10_000

/** How often a database writes, whatever its clients do: a second is less than any real one lets pass. */
const writeMilliseconds = 2000

/** The controller's database: embedded (posing, FerretDB or a mongod) or external, and its faults. */
export class Database {
  readonly #settings: Settings
  readonly #data: DataVolume
  readonly #log: Log
  readonly #server: MongoServer | DatabaseProcess | undefined
  #store: Store | undefined
  #faults: Faults
  #port = 0
  #opened = false
  /** The disk was full when it wrote last: mongod ends then. */
  #full = false
  /** What the database keeps of the controller's starts, this one included; undefined where it keeps nothing. */
  #starts: number | undefined
  #writes: NodeJS.Timeout | undefined
  #writing = false
  #complaints: NodeJS.Timeout | undefined
  #last: Promise<void> = Promise.resolve()

  constructor(o: { settings: Settings; data: DataVolume; log: Log; faults: Faults }) {
    this.#settings = o.settings
    this.#data = o.data
    this.#log = o.log
    this.#faults = o.faults
    const { externalMongo, program, mongoHost: host, pose, ports } = o.settings
    if (externalMongo !== undefined) return
    this.#server =
      program === undefined
        ? new MongoServer({ pose, host, port: ports.mongo })
        : new DatabaseProcess({
            ...program,
            directory: o.data.path('db'),
            host,
            port: ports.mongo,
            onDeath: (code) => this.#died(code),
          })
  }

  get starts(): number | undefined {
    return this.#starts
  }

  /** Marks the data dirty and serves. Resolves with the port; undefined for an external database. */
  async start(): Promise<number | undefined> {
    const engineOwnFiles = this.#settings.program?.program === 'mongod'
    if (this.#data.open(this.#settings.version, this.#settings.pose, !engineOwnFiles) === 'unclean-start') {
      const file = `${this.#data.path('db')}/mongod.lock`
      this.#log.server('WARN', 'c.t.s.o.s.s.b', `Detected unclean shutdown - ${file} is not empty.`)
    }
    this.#opened = true
    if (this.#server === undefined) return undefined
    this.#log.server('INFO', 'c.t.s.o.s.OmadaBootstrap', 'going to start local mongod.')
    this.#port = await this.#server.start()
    this.#log.facade('Mongo DB server started')
    this.#log.server('INFO', 'c.t.s.o.s.s.b', 'Mongo DB server started')
    if (this.#server instanceof DatabaseProcess) {
      this.#store = new Store(`mongodb://${this.#settings.mongoHost}:${this.#port}/?directConnection=true`)
      this.#starts = await this.#store.start(this.#settings.version)
    }
    await this.change(this.#faults)
    if (!engineOwnFiles) this.#writes = setInterval(() => void this.#write(), writeMilliseconds)
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
    const dead = faults.database === 'dead' || this.#full
    if (dead && server.up) {
      await (server instanceof DatabaseProcess ? server.kill() : server.stop())
      this.#complain()
      this.#complaints = setInterval(() => this.#complain(), complainMilliseconds)
    } else if (!dead && !server.up) {
      clearInterval(this.#complaints)
      await server.start()
      this.#log.server('INFO', 'c.t.s.o.s.s.b', 'Mongo DB server started', 'mongo-check-thread')
    }
    server.delayMilliseconds = this.#delay()
  }

  /** By no fault of ours: said with its own code, and started again at the next look, as the controller's watch does. */
  #died(code: number): void {
    this.#complain(code)
    this.#complaints = setTimeout(
      () => void this.change(this.#faults).catch(() => this.#died(code)),
      complainMilliseconds,
    )
  }

  /** True when the controller can work with its database; late when that is slow. */
  async works(): Promise<boolean> {
    const { externalMongo, mongoHost } = this.#settings
    if (externalMongo !== undefined) return await this.#externalWorks(externalMongo)
    if (!(await accepts(mongoHost, this.#port, 2000))) return false
    if (this.#store !== undefined) return await this.#store.answers()
    if (this.#delay() > 0) await delay(this.#delay())
    return true
  }

  async #externalWorks(uri: string): Promise<boolean> {
    const [, host, port] = /^mongodb:\/\/(?:[^@/]*@)?([^:/,?]+)(?::(\d+))?/.exec(uri) ?? []
    if (host === undefined || !(await accepts(host, Number(port ?? 27017), 2000))) return false
    try {
      this.#store ??= new Store(uri)
    } catch {
      return false
    }
    return await this.#store.answers()
  }

  /** Everything closed; `orderly` marks the data clean, as after a stop that was not cut short. */
  async stop(orderly: boolean): Promise<void> {
    clearInterval(this.#complaints)
    clearInterval(this.#writes)
    await this.#last
    // One that stands still would keep those waiting who ask it.
    if (this.#server !== undefined) this.#server.delayMilliseconds = 0
    await this.#store?.close()
    await (!orderly && this.#server instanceof DatabaseProcess ? this.#server.kill() : this.#server?.stop())
    // One that ended for want of room has not closed its files.
    if (!orderly || !this.#opened || this.#full) return
    this.#opened = false
    this.#data.close(this.#settings.version)
    this.#log.server('INFO', 'c.t.s.o.s.OmadaBootstrap', 'success to shutdown mongodb database', 'Thread-1')
  }

  async #write(): Promise<void> {
    if (this.#writing) return
    this.#writing = true
    try {
      // Others of its errors are not the disk's, and pass.
      const refused = await this.#store?.beat().catch((error: unknown) => String(error))
      const full = !this.#data.journal() || /disk is full|no space left/i.test(refused ?? '')
      if (full === this.#full) return
      this.#full = full
      void this.change(this.#faults)
    } finally {
      this.#writing = false
    }
  }

  #delay(): number {
    return this.#faults.database === 'slow' ? this.#faults.databaseDelaySeconds * 1000 : 0
  }

  #complain(code = this.#faults.databaseExitCode): void {
    const thread = 'mongo-check-thread'
    this.#log.server('INFO', 'c.t.s.o.s.OmadaBootstrap', 'mongod was shutdown, restarting it', thread)
    this.#log.server('ERROR', 'c.t.s.o.s.s.b', `Command execution failed with exit code ${code} .`, thread)
    this.#log.facade(`Fail to start mongo DB server with exit code ${code}`)
  }
}
