import type { CertificatePair } from '../../config/certificate.ts'
import type { WarningSource } from '../../core/warnings.ts'
import type { AccessPolicy } from '../../network/access.ts'
import type { ControllerLink } from '../../network/controller-link.ts'
import type { Role } from '../../omada/ports.ts'
import type { Upstream } from './web-upstream.ts'

/** What the proxy needs of the rest of the edge. */
export interface ProxyDependencies {
  access(role: Role): AccessPolicy
  readonly controllerAddress: ControllerLink
  /** The interface by which a client on another machine arrives; undefined for one on this machine. */
  arrivesBy(remoteAddress: string): string | undefined
  /** Asked once for every new connection to a web port. */
  webUpstream(): Upstream
  /** The user's certificate for the waiting room as PEM texts, the full chain first; undefined when there is none. */
  certificate(): Promise<CertificatePair | undefined>
  /** Where the waiting room keeps its self-signed certificate. */
  readonly stateDirectory: string
  /** What the waiting room tells of its certificates. */
  readonly warnings: WarningSource
}
