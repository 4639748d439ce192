import { appDiscoveryPort, discoveryPort, embeddedDatabasePort, managementPort, webPorts } from '../../omada/ports.ts'

/** Where the probes look. */
export interface ProbePorts {
  /** HTTPS, the info API. */
  readonly info: number
  readonly web: readonly number[]
  readonly device: number
  readonly discovery: number
  readonly appDiscovery: number
  readonly database: number
}

/** The controller's own ports. */
export const controllerProbePorts: ProbePorts = {
  info: 8043,
  web: webPorts.map((web) => web.port),
  device: managementPort,
  discovery: discoveryPort,
  appDiscovery: appDiscoveryPort,
  database: embeddedDatabasePort,
}
