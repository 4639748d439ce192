import type { Needs } from '../config/apply.ts'
import type { CertificatePair } from '../config/certificate.ts'
import type { Config } from '../config/schema.ts'

/** What the edge goes by of a configuration: no secret of the database or of the image is in it. */
export function edgeSettings({ network, discovery, access, proxy, status, log }: Config) {
  const { subnet, controllerAddress } = network
  return { network: { subnet, controllerAddress }, discovery, access, proxy, status, log }
}

export type EdgeSettings = ReturnType<typeof edgeSettings>

/**
 * What the host tells the edge by the channel, whenever any of it changes: what is in force, and never what only stands in
 * the file. The edge does not read the configuration itself, because file and certificate may be root's alone, and because
 * their parser would be a quarter of its memory.
 */
export interface EdgePart {
  /** Of the channel, with the program's version: only its own knows every key of it. */
  readonly stateVersion: string
  readonly config: EdgeSettings
  /** What the keys of `config` need that are not live. */
  readonly needs: Needs
  /** The user's own, for the waiting room; absent where there is none that can be read. */
  readonly certificate?: CertificatePair | undefined
  /** The address of the container that runs, which an earlier configuration may have given it; absent while none does. */
  readonly runningAddress?: string | undefined
}

/** `EdgePart.stateVersion` of this program. @param version the program's */
export function channelVersion(version: string): string {
  return `1 ${version}`
}
