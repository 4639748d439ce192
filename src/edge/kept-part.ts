import { mkdir, readFile, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { writeFileAtomic } from '../core/atomic-file.ts'
import type { Clock } from '../core/clock.ts'
import { systemCode } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import { QuietLog } from '../core/quiet-log.ts'
import type { EdgePart } from '../ipc/channel.ts'

/** How often a part that could not be written is tried again, in milliseconds. */
const retryMilliseconds = 5000

/**
 * What the edge was given last, kept by itself where only its own user may read it, because a private key is in it: so it
 * starts again while the host is away. That it cannot be kept does not keep the edge from serving.
 */
export class KeptPart {
  readonly #path: string
  readonly #version: string
  readonly #logger: Logger
  readonly #quietLog: QuietLog
  readonly #clock: Clock
  readonly #stopping = new AbortController()
  #part: EdgePart | undefined
  #writing: Promise<void> | undefined

  constructor(options: { path: string; version: string; logger: Logger; clock: Clock }) {
    this.#path = options.path
    this.#version = options.version
    this.#logger = options.logger
    this.#quietLog = new QuietLog(options)
    this.#clock = options.clock
  }

  /** What was kept; undefined when there is nothing, or nothing that this version of the program reads. */
  async read(): Promise<EdgePart | undefined> {
    try {
      const part = JSON.parse(await readFile(this.#path, 'utf8')) as EdgePart | null
      // Written by this same version of the program, so it is what it says; a schema would cost memory for nothing.
      return part?.stateVersion === this.#version ? part : undefined
    } catch (error) {
      if (systemCode(error) !== 'ENOENT') this.#logger.debug({ err: error }, 'what was kept of the host cannot be read')
      return undefined
    }
  }

  /** Keeps this one instead, as soon as that is possible. */
  keep(part: EdgePart): void {
    this.#part = part
    this.#writing ??= this.#write()
  }

  /** What could not be written by now is not written any more. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#writing
  }

  /** Removes what is kept; call `stop` first. What cannot be removed is told and stays. */
  async forget(): Promise<void> {
    try {
      await rm(this.#path, { force: true })
    } catch (error) {
      this.#logger.warn({ err: error }, 'what was kept of the host cannot be removed')
    }
  }

  async #write(): Promise<void> {
    const { signal } = this.#stopping
    for (;;) {
      const part = this.#part
      try {
        await mkdir(dirname(this.#path), { recursive: true, mode: 0o755 })
        await writeFileAtomic(this.#path, JSON.stringify(part), 0o600)
        if (part !== this.#part) continue
        if (this.#quietLog.over('unkept')) this.#logger.info('what is in force is kept again')
        // At once, so that one that comes next is not taken for one that is being written.
        this.#writing = undefined
        return
      } catch (error) {
        this.#tell(error)
        await this.#clock.sleep(retryMilliseconds, signal).catch(() => {})
        if (signal.aborted) return
      }
    }
  }

  #tell(error: unknown): void {
    const why = ['ENOSPC', 'EDQUOT'].includes(systemCode(error) ?? '')
      ? { code: 'DISK_FULL', remedy: `free space there: du -xh -d 2 ${dirname(this.#path)} | sort -h` }
      : { remedy: `let this user write to ${dirname(this.#path)}` }
    const message = `what is in force cannot be kept in ${this.#path}, for a start without the host; it is tried again`
    this.#quietLog.once('unkept', message, { level: 'error', fields: { err: error, ...why } })
  }
}
