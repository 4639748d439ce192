/** Who connects to a port; decides which network it is served on. */
export type Role = 'devices' | 'management' | 'guests'

/** Where the web interface and the APIs are. */
export const httpsPort = 8043

/** One port of the controller, devices and clients connecting towards it. */
export interface ControllerPort {
  readonly port: number
  readonly protocol: 'tcp' | 'udp'
  /** The image's variable that sets this port; it acts on the first start only. Absent where the image has none. */
  readonly variable?: string
  /** Everyone who needs it. 8088 and 8043 carry management, and 8088 and 8843 the captive portal. */
  readonly roles: readonly Role[]
  readonly purpose: string
}

/**
 * The controller's ports. A client must see the controller's own number, else the UI loads a blank page.
 * Source: mbentley/docker-omada-controller README and entrypoint, its pull request 800 for 8044; TP-Link FAQ 3281.
 */
export const controllerPorts: readonly ControllerPort[] = [
  {
    port: 8088,
    protocol: 'tcp',
    variable: 'MANAGE_HTTP_PORT',
    roles: ['management', 'guests'],
    purpose: 'HTTP management (redirects to 8043) and HTTP captive portal',
  },
  {
    port: 8043,
    protocol: 'tcp',
    variable: 'MANAGE_HTTPS_PORT',
    roles: ['management', 'devices'],
    purpose: 'HTTPS management, app API, device firmware download',
  },
  {
    port: 8044,
    protocol: 'tcp',
    variable: 'UPGRADE_ES_HTTPS_PORT',
    roles: ['devices'],
    purpose: "devices, 6.3 and later (the image's upgrade.es.https.port)",
  },
  { port: 8843, protocol: 'tcp', variable: 'PORTAL_HTTPS_PORT', roles: ['guests'], purpose: 'HTTPS captive portal' },
  {
    port: 27001,
    protocol: 'udp',
    variable: 'PORT_APP_DISCOVERY',
    roles: ['devices'],
    purpose: 'the mobile app finds the controller',
  },
  { port: 29810, protocol: 'udp', variable: 'PORT_DISCOVERY', roles: ['devices'], purpose: 'device discovery' },
  { port: 19810, protocol: 'udp', roles: ['devices'], purpose: 'OLT discovery (v6)' },
  {
    port: 29811,
    protocol: 'tcp',
    variable: 'PORT_MANAGER_V1',
    roles: ['devices'],
    purpose: 'management of older devices',
  },
  { port: 29812, protocol: 'tcp', variable: 'PORT_ADOPT_V1', roles: ['devices'], purpose: 'adoption of older devices' },
  {
    port: 29813,
    protocol: 'tcp',
    variable: 'PORT_UPGRADE_V1',
    roles: ['devices'],
    purpose: 'upgrade of older devices',
  },
  { port: 29814, protocol: 'tcp', variable: 'PORT_MANAGER_V2', roles: ['devices'], purpose: 'management and adoption' },
  {
    port: 29815,
    protocol: 'tcp',
    variable: 'PORT_TRANSFER_V2',
    roles: ['devices'],
    purpose: 'file transfer, packet captures',
  },
  { port: 29816, protocol: 'tcp', variable: 'PORT_RTTY', roles: ['devices'], purpose: 'remote terminal' },
  { port: 29817, protocol: 'tcp', variable: 'PORT_DEVICE_MONITOR', roles: ['devices'], purpose: 'device monitor (v6)' },
]

/**
 * Variables of the image for further purposes of ports in the table: the captive portal over HTTP, and the download of
 * firmware, which is not what 8044 is for.
 */
const sharedPorts = { PORTAL_HTTP_PORT: 8088, UPGRADE_HTTPS_PORT: 8043 } as const

/** Every variable of the image that sets a port, with the port that clients must see. */
export const portVariables: Readonly<Record<string, number>> = {
  ...Object.fromEntries(
    controllerPorts.flatMap(({ port, variable }): [string, number][] =>
      variable === undefined ? [] : [[variable, port]],
    ),
  ),
  ...sharedPorts,
}

/** The controller's web ports: while it is not ready, new connections to them get the waiting room. */
export const webPorts: readonly { readonly port: number; readonly tls: boolean }[] = [
  { port: 8088, tls: false },
  { port: 8043, tls: true },
  { port: 8843, tls: true },
]

/** UDP port on which devices announce themselves. */
export const discoveryPort = 29810
/** UDP port on which the mobile app looks for controllers. */
export const appDiscoveryPort = 27001
/** TCP port that devices hold open while they are managed. */
export const managementPort = 29814
/** TCP port of the embedded mongod, bound to 127.0.0.1 inside the container. */
export const embeddedDatabasePort = 27217

/** The roles that a TCP port serves; a port outside the table is served to devices. */
export function rolesOf(port: number): readonly Role[] {
  return controllerPorts.find((known) => known.port === port)?.roles ?? ['devices']
}
