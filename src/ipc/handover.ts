import { mkdir, readFile, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { CertificatePair } from '../config/certificate.ts'
import type { Config } from '../config/schema.ts'
import { writeFileAtomic } from '../core/atomic-file.ts'
import type { Clock } from '../core/clock.ts'
import type { Component } from '../core/component.ts'
import { ApplianceError, messageOf, systemCode } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import type { UserIds } from '../core/privileges.ts'
import { stateVersion } from './host-state.ts'

/**
 * What the edge needs to know before it serves, and no secret that it does not need. The host hands it over, because the
 * configuration and the certificate may be root's alone, and because their parser would be a quarter of the edge's memory.
 */
export interface EdgePart {
  readonly config: Config
  readonly certificate?: CertificatePair
}

/** What the edge is told by its parent under `run`. */
export interface Handover extends EdgePart {
  readonly user: UserIds
}

/** A process's IPC channel to the parent that started it. */
export interface ParentChannel {
  /** Never throws, also when the parent has gone. */
  send(message: unknown): void
  onMessage(listener: (message: unknown) => void): void
}

/** The edge's part of a configuration: without the database's URI and the image's variables, which may hold passwords. */
export function edgePart(config: Config, certificate: CertificatePair | undefined): EdgePart {
  return {
    config: { ...config, mongo: {}, controller: { ...config.controller, environment: {} } },
    ...(certificate === undefined ? {} : { certificate }),
  }
}

/** How often a part that could not be written is tried again, in milliseconds. */
const retryEvery = 5000

/**
 * The file by which a host hands its edge the configuration, readable by the group that this process runs as. It is
 * there while the host runs; one that crashed leaves it, so that the edge can restart without the host. A full disk
 * does not keep the host from working: what is in the file stays whole, and it is tried again until there is room.
 */
export class HandoverFile implements Component {
  readonly name = 'handover'
  readonly #path: string
  readonly #logger: Logger
  readonly #clock: Clock
  readonly #stopping = new AbortController()
  #part: EdgePart
  #retrying: Promise<void> | undefined

  constructor(options: { path: string; part: EdgePart; logger: Logger; clock: Clock }) {
    this.#path = options.path
    this.#part = options.part
    this.#logger = options.logger
    this.#clock = options.clock
  }

  /** What was handed over last, or will be first. */
  get part(): EdgePart {
    return this.#part
  }

  async start(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    await mkdir(dirname(this.#path), { recursive: true, mode: 0o755 })
    await this.publish(this.#part)
  }

  /** Puts another part in the place of the one before; later, when there is no room for it now. */
  async publish(part: EdgePart): Promise<void> {
    this.#part = part
    if (this.#retrying !== undefined) return
    try {
      await this.#write()
    } catch (error) {
      if (!isFull(error)) throw error
      const remedy = `free space there: du -xh -d 2 ${dirname(this.#path)} | sort -h`
      const message = `the configuration cannot be handed over to the edge in ${this.#path}: the disk is full; it is tried again`
      this.#logger.error({ code: 'DISK_FULL', remedy }, message)
      this.#retrying = this.#retry().finally(() => {
        this.#retrying = undefined
      })
    }
  }

  /** An edge that starts from now on waits for the next host. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#retrying
    await rm(this.#path, { force: true })
  }

  async #write(): Promise<void> {
    await writeFileAtomic(this.#path, JSON.stringify({ stateVersion, ...this.#part }), 0o640)
  }

  async #retry(): Promise<void> {
    const { signal } = this.#stopping
    for (;;) {
      await this.#clock.sleep(retryEvery, signal).catch(() => {})
      if (signal.aborted) return
      const part = this.#part
      try {
        await this.#write()
        if (part !== this.#part) continue
        this.#logger.info('the configuration is handed over to the edge')
        return
      } catch (error) {
        this.#logger.debug({ err: error }, 'the configuration cannot be handed over yet')
      }
    }
  }
}

function isFull(error: unknown): boolean {
  return ['ENOSPC', 'EDQUOT'].includes(systemCode(error) ?? '')
}

/**
 * What the host has handed over; undefined while there is nothing, or something by another version of this program.
 * @throws ApplianceError CONFIG_UNREADABLE when this user may not read it
 */
export async function readHandover(path: string): Promise<EdgePart | undefined> {
  try {
    const part: unknown = JSON.parse(await readFile(path, 'utf8'))
    if (typeof part !== 'object' || part === null || !('stateVersion' in part)) return undefined
    // Written by this same program, so it is what it says; a schema would cost memory for nothing.
    return part.stateVersion === stateVersion ? (part as unknown as EdgePart) : undefined
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined
    throw new ApplianceError(
      {
        code: 'CONFIG_UNREADABLE',
        message: `the configuration that the host hands over in ${path} cannot be read: ${messageOf(error)}`,
        remedy: 'run the edge as root, or as a member of the group that the host runs as (omada-host)',
      },
      { cause: error },
    )
  }
}
