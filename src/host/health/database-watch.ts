import type { MongoClient, ServerDescription, TopologyDescription } from 'mongodb'
import { messageOf } from '../../core/errors.ts'
import { isTooOld, type MongoDriver } from './mongo-driver.ts'
import type { DatabaseReport } from './probe-messages.ts'

/**
 * One monitoring connection and at most one more. Polling rather than streaming heartbeats, so that MongoDB 3.6 and 8
 * are watched in the same way. Reading prefers the primary but takes any server, so that a replica set without a
 * primary is seen as that and not as silence. Selecting a server ends before the shortest deadline of a probe, so that
 * the reason is the driver's and not merely "no answer".
 */
const clientOptions = {
  appName: 'omada-host',
  maxPoolSize: 1,
  heartbeatFrequencyMS: 5000,
  serverMonitoringMode: 'poll',
  serverSelectionTimeoutMS: 2000,
  connectTimeoutMS: 5000,
  socketTimeoutMS: 10_000,
  readPreference: 'primaryPreferred',
  retryReads: false,
} as const

/**
 * Watches one MongoDB deployment by the official driver's own monitoring. Whether it is writable comes from the
 * driver's view of the topology, not from a command: MongoDB 3.6 has no `hello`.
 */
export class DatabaseWatch {
  readonly #driver: MongoDriver
  readonly #client: MongoClient
  readonly #uri: string
  readonly #onWritable: () => void
  #topology: TopologyDescription | undefined
  #topologyId = -1
  #version: string | undefined
  #ping: Promise<DatabaseReport> | undefined

  /** `onWritable` is called each time a writable server appears. Throws, without the URI, what the driver refuses. */
  constructor(options: { uri: string; driver: MongoDriver; onWritable: () => void }) {
    this.#driver = options.driver
    this.#uri = options.uri
    this.#onWritable = options.onWritable
    try {
      this.#client = new options.driver.MongoClient(uncompressed(options.uri), clientOptions)
    } catch (error) {
      throw new Error(`the driver does not accept the database's URI: ${redact(messageOf(error), options.uri)}`)
    }
    // An incompatible server: the ping that is refused for it says so, too.
    this.#client.on('error', () => undefined)
    this.#client.on('topologyDescriptionChanged', (event) => this.#seen(event.topologyId, event.newDescription))
    this.#client.on('topologyClosed', (event) => {
      if (event.topologyId === this.#topologyId) this.#topology = undefined
    })
  }

  /** Pings. A ping that has not ended yet is shared: never two at once. Does not reject. */
  ask(): Promise<DatabaseReport> {
    this.#ping ??= this.#pingOnce().finally(() => {
      this.#ping = undefined
    })
    return this.#ping
  }

  async close(): Promise<void> {
    await this.#client.close(true)
  }

  async #pingOnce(): Promise<DatabaseReport> {
    try {
      await this.#client.connect()
      const admin = this.#client.db('admin')
      const started = performance.now()
      await admin.command({ ping: 1 })
      const roundTripMilliseconds = performance.now() - started
      this.#version ??= await this.#askVersion()
      return { ...this.#view(), pingOk: true, roundTripMilliseconds }
    } catch (error) {
      const cause = this.#causeOf(error)
      const tooOld = isTooOld(cause) ? { tooOldForDriver: true } : {}
      return { ...this.#view(), pingOk: false, error: redact(cause, this.#uri), ...tooOld }
    }
  }

  /** Undefined when the server does not tell: an account without the right to ask is no reason to call it unhealthy. */
  async #askVersion(): Promise<string | undefined> {
    try {
      const { version } = await this.#client.db('admin').command({ buildInfo: 1 })
      return typeof version === 'string' ? version : undefined
    } catch {
      return undefined
    }
  }

  /** The first server's own error rather than "server selection timed out". */
  #causeOf(error: unknown): string {
    if (!(error instanceof this.#driver.MongoServerSelectionError)) return messageOf(error)
    const servers = [...(error.reason?.servers.values() ?? [])]
    return servers.find((server) => server.error !== null)?.error?.message ?? error.message
  }

  #servers(): readonly ServerDescription[] {
    return [...(this.#topology?.servers.values() ?? [])]
  }

  #view(): Pick<DatabaseReport, 'writable' | 'serverType' | 'version'> {
    const servers = this.#servers()
    const best =
      servers.find((server) => server.isWritable) ?? servers.find((server) => server.isReadable) ?? servers[0]
    return {
      writable: best?.isWritable ?? false,
      serverType: best?.type ?? 'Unknown',
      ...(this.#version === undefined ? {} : { version: this.#version }),
    }
  }

  #seen(topologyId: number, description: TopologyDescription): void {
    const before = this.#servers().some((server) => server.isWritable)
    this.#topologyId = topologyId
    this.#topology = description
    const writable = this.#servers().some((server) => server.isWritable)
    // Another server, perhaps another version of it, may have come in place of the one that was lost.
    if (before && !writable) this.#version = undefined
    if (writable && !before) this.#onWritable()
  }
}

/** The driver quotes the whole URI in some messages, and it may hold a password. */
function redact(message: string, uri: string): string {
  return message.replaceAll(uri, 'mongo.uri').replaceAll(/\/\/[^/\s]*@/g, '//…@')
}

/** The URI without the wish for compression, which may be the controller's: the driver here takes nothing compressed. */
function uncompressed(uri: string): string {
  const [place = '', ...query] = uri.split('?')
  const options = query.join('?').split('&')
  const kept = options.filter((option) => !/^compressors=/i.test(option))
  return kept.length === options.length ? uri : [place, ...(kept.length === 0 ? [] : [kept.join('&')])].join('?')
}
