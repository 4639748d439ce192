import {
  chownSync,
  closeSync,
  existsSync,
  fsyncSync,
  lchownSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'

export type DataEvent = 'first-start' | 'clean-start' | 'unclean-start' | 'clean-stop'

export interface HistoryEntry {
  /** ISO time. */
  readonly at: string
  readonly event: DataEvent
  readonly version: string
}

/** What a version 5 and a version 6 database write as their engine; the entrypoint reads it. */
const wiredTiger = { '3.6': '3.1.0', '8.0': '11.3.0' } as const
const maxHistory = 500

/** What a database writes while it runs, at least. */
const journal = Buffer.alloc(64 * 1024, 'j')

/** The data volume: the version that last ran, whether the database was stopped in order, and what it keeps. */
export class DataVolume {
  readonly #directory: string

  constructor(directory: string) {
    this.#directory = directory
  }

  get dirty(): boolean {
    return existsSync(this.path('db/DIRTY'))
  }

  path(name: string): string {
    return join(this.#directory, name)
  }

  /** The text of a file, or undefined when there is none. */
  read(name: string): string | undefined {
    return existsSync(this.path(name)) ? readFileSync(this.path(name), 'utf8') : undefined
  }

  /** Whole or not at all, and on the disk when it returns. */
  write(name: string, text: string): void {
    const file = openSync(this.path(`${name}.new`), 'w', 0o600)
    try {
      writeSync(file, text)
      fsyncSync(file)
    } finally {
      closeSync(file)
    }
    renameSync(this.path(`${name}.new`), this.path(name))
  }

  /**
   * Gives all of it to the controller's user, where its top is not that user's: the entrypoint looks at nothing else
   * (fix_permissions), so that what root has put further down stays root's. Returns whether it did.
   */
  own(uid: number, gid: number): boolean {
    const top = statSync(this.#directory)
    if (top.uid === uid && top.gid === gid) return false
    chownSync(this.#directory, uid, gid)
    for (const name of readdirSync(this.#directory, { recursive: true, encoding: 'utf8' })) {
      lchownSync(this.path(name), uid, gid)
    }
    return true
  }

  /** Makes the directories that the entrypoint makes. Returns true when the database's was missing. */
  prepare(): boolean {
    const missing = !existsSync(this.path('db'))
    for (const name of ['db', 'autobackup', 'keystore', 'pdf']) mkdirSync(this.path(name), { recursive: true })
    return missing
  }

  /**
   * The database starts: marks the data dirty. Returns the event that this start is.
   * @param embedded whether it is one of ours, which holds mongod.lock as mongod does
   */
  open(version: string, pose: keyof typeof wiredTiger, embedded: boolean): DataEvent {
    const event = this.dirty ? 'unclean-start' : this.history().length === 0 ? 'first-start' : 'clean-start'
    this.write('db/DIRTY', `${new Date().toISOString()}\n`)
    this.write('db/WiredTiger.turtle', `WiredTiger version string\nWiredTiger ${wiredTiger[pose]}: (stand-in)\n`)
    if (embedded) this.write('db/mongod.lock', `${process.pid}\n`)
    this.#record(event, version)
    return event
  }

  /** Writes as a database that runs does. Returns false when the disk is full. */
  journal(): boolean {
    try {
      writeFileSync(this.path('db/journal.new'), journal)
      renameSync(this.path('db/journal.new'), this.path('db/journal'))
      return true
    } catch (error) {
      if (!isFull(error)) throw error
      return false
    }
  }

  /** The database stopped in order: marks the data clean. */
  close(version: string): void {
    this.#record('clean-stop', version)
    // Empty after a clean end, and not gone.
    if (existsSync(this.path('db/mongod.lock'))) this.write('db/mongod.lock', '')
    rmSync(this.path('db/DIRTY'), { force: true })
  }

  history(): readonly HistoryEntry[] {
    return this.readJson<HistoryEntry[]>('standin-history.json') ?? []
  }

  /** A file of our own, or undefined when there is none or it is damaged. */
  readJson<T>(name: string): T | undefined {
    try {
      return JSON.parse(this.read(name) ?? '') as T
    } catch {
      return undefined
    }
  }

  #record(event: DataEvent, version: string): void {
    const entry: HistoryEntry = { at: new Date().toISOString(), event, version }
    this.write('standin-history.json', JSON.stringify([...this.history(), entry].slice(-maxHistory), null, 2))
  }
}

/** Whether a write failed for want of room. */
export function isFull(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOSPC'
}
