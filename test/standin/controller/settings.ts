import { networkInterfaces } from 'node:os'
import type { MongoPose } from '../mongo/commands.ts'
import { type Faults, faultsFromEnvironment } from './faults.ts'

/** The ports, by the names under which they are printed. `mongo` and `api` are the stand-in's own choice of names. */
export interface Ports {
  readonly api: number
  readonly mongo: number
  readonly manageHttp: number
  readonly manageHttps: number
  readonly portalHttp: number
  readonly portalHttps: number
  readonly upgradeHttps: number
  readonly upgradeEsHttps: number
  readonly discovery: number
  readonly appDiscovery: number
  readonly olt: number
  readonly managerV1: number
  readonly adoptV1: number
  readonly upgradeV1: number
  readonly managerV2: number
  readonly transferV2: number
  readonly rtty: number
  readonly deviceMonitor: number
}

export type PortName = keyof Ports

/** The image's own variables and defaults (source: its entrypoint), and the stand-in's for what the image cannot set. */
const portVariables: Readonly<Record<PortName, readonly [variable: string, standard: number]>> = {
  api: ['STANDIN_API_PORT', 9080],
  mongo: ['STANDIN_MONGO_PORT', 27217],
  manageHttp: ['MANAGE_HTTP_PORT', 8088],
  manageHttps: ['MANAGE_HTTPS_PORT', 8043],
  portalHttp: ['PORTAL_HTTP_PORT', 8088],
  portalHttps: ['PORTAL_HTTPS_PORT', 8843],
  upgradeHttps: ['UPGRADE_HTTPS_PORT', 8043],
  upgradeEsHttps: ['UPGRADE_ES_HTTPS_PORT', 8044],
  discovery: ['PORT_DISCOVERY', 29810],
  appDiscovery: ['PORT_APP_DISCOVERY', 27001],
  olt: ['STANDIN_OLT_PORT', 19810],
  managerV1: ['PORT_MANAGER_V1', 29811],
  adoptV1: ['PORT_ADOPT_V1', 29812],
  upgradeV1: ['PORT_UPGRADE_V1', 29813],
  managerV2: ['PORT_MANAGER_V2', 29814],
  transferV2: ['PORT_TRANSFER_V2', 29815],
  rtty: ['PORT_RTTY', 29816],
  deviceMonitor: ['PORT_DEVICE_MONITOR', 29817],
}

export type Environment = Readonly<Record<string, string | undefined>>

export interface Settings {
  readonly version: string
  readonly major: number
  readonly minor: number
  readonly omadacId: string
  readonly pose: MongoPose
  /** A real database to run; absent: the posing one. */
  readonly program?: { readonly program: 'mongod' | 'ferretdb'; readonly command: string }
  readonly mongoHost: string
  /** Set when MONGO_EXTERNAL is true. */
  readonly externalMongo?: string
  /** Absent: dual stack. */
  readonly bind?: string
  readonly dataDirectory: string
  readonly logsDirectory: string
  readonly address: string
  readonly ports: Ports
  readonly overrideWebPorts: boolean
  readonly pendingMilliseconds: number
  /** So many more announces during an adoption abort it. */
  readonly adoptAnnounces: number
  /** So long after the handshake an inform is followed by the device management host. */
  readonly tellMilliseconds: number
  /** The client of the Open API that the administrator made; absent: there is none. */
  readonly openApi?: { readonly clientId: string; readonly clientSecret: string }
  readonly tokenSeconds: number
  readonly showServerLogs: boolean
  readonly certificate: { readonly cert: string; readonly key: string }
  readonly environment: Environment
  readonly faults: Faults
}

/** @throws Error that names the variable and its value when one is malformed */
export function readSettings(environment: Environment): Settings {
  const version = environment.STANDIN_VERSION || '6.2.0.17'
  const [major = 0, minor = 0] = version.split('.').map(Number)
  if (!/^\d+(\.\d+)+$/.test(version)) throw new Error(`STANDIN_VERSION=${version} is not a version such as 6.2.0.17`)
  const data = environment.STANDIN_DATA_DIR || '/opt/tplink/EAPController/data'
  const port = (name: PortName, standard = portVariables[name][1]) =>
    readNumber(environment, portVariables[name][0], standard, 65535)
  const ports = Object.fromEntries((Object.keys(portVariables) as PortName[]).map((name) => [name, port(name)]))
  // The image's defaults for these two are those of the management ports: unless set, they are the same ports.
  ports.portalHttp = port('portalHttp', ports.manageHttp)
  ports.upgradeHttps = port('upgradeHttps', ports.manageHttps)
  const pose = readChoice(environment, 'STANDIN_MONGO', ['3.6', '8.0'], major >= 6 ? '8.0' : '3.6')
  return {
    version,
    major,
    minor,
    omadacId: environment.STANDIN_OMADAC_ID || '5f3a9d0c7b1e4862a0d4c9e8f7162b35',
    pose,
    ...databaseProgram(environment, pose),
    mongoHost: environment.STANDIN_MONGO_BIND || '127.0.0.1',
    ...(environment.MONGO_EXTERNAL === 'true' ? { externalMongo: environment.EAP_MONGOD_URI ?? '' } : {}),
    ...(environment.STANDIN_BIND ? { bind: environment.STANDIN_BIND } : {}),
    dataDirectory: data,
    logsDirectory:
      environment.STANDIN_LOGS_DIR ||
      (environment.STANDIN_DATA_DIR ? `${environment.STANDIN_DATA_DIR}/logs` : '/opt/tplink/EAPController/logs'),
    address: environment.STANDIN_ADDRESS || ownAddress(),
    ports: ports as Record<PortName, number>,
    overrideWebPorts: environment.WEB_CONFIG_OVERRIDE === 'true',
    pendingMilliseconds: readNumber(environment, 'STANDIN_PENDING_SECONDS', 40, 86400) * 1000,
    // The standard is the real one's. Source: thread #561 of the image's repository.
    adoptAnnounces: readNumber(environment, 'STANDIN_ADOPT_ANNOUNCES', 3, 1000),
    tellMilliseconds: readNumber(environment, 'STANDIN_TELL_SECONDS', 5, 86400) * 1000,
    ...(environment.STANDIN_OPENAPI_CLIENT_ID && environment.STANDIN_OPENAPI_CLIENT_SECRET
      ? {
          openApi: {
            clientId: environment.STANDIN_OPENAPI_CLIENT_ID,
            clientSecret: environment.STANDIN_OPENAPI_CLIENT_SECRET,
          },
        }
      : {}),
    tokenSeconds: readNumber(environment, 'STANDIN_TOKEN_SECONDS', 7200, 86400),
    showServerLogs: environment.SHOW_SERVER_LOGS !== 'false',
    certificate: {
      cert: `/cert/${environment.SSL_CERT_NAME || 'tls.crt'}`,
      key: `/cert/${environment.SSL_KEY_NAME || 'tls.key'}`,
    },
    environment,
    faults: faultsFromEnvironment(environment),
  }
}

/** FerretDB speaks as MongoDB 7 does, so that it is nothing for a controller that has 3.6. */
function databaseProgram(environment: Environment, pose: MongoPose): Pick<Settings, 'program'> {
  if (environment.STANDIN_MONGOD) return { program: { program: 'mongod', command: environment.STANDIN_MONGOD } }
  if (!environment.STANDIN_FERRETDB || pose === '3.6') return {}
  return { program: { program: 'ferretdb', command: environment.STANDIN_FERRETDB } }
}

/** The first IPv4 address of this machine or container that is not loopback; 127.0.0.1 when there is none. */
export function ownAddress(): string {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? [])
  return all.find((address) => address.family === 'IPv4' && !address.internal)?.address ?? '127.0.0.1'
}

/** @throws Error that names the variable and its value */
export function readNumber(environment: Environment, variable: string, standard: number, max: number): number {
  const text = environment[variable]
  if (text === undefined || text === '') return standard
  const value = Number(text)
  if (!(value >= 0 && value <= max)) throw new Error(`${variable}=${text} is not a number from 0 to ${max}`)
  return value
}

/** @throws Error that names the variable and its value */
export function readChoice<T extends string>(
  environment: Environment,
  variable: string,
  choices: readonly T[],
  standard: T,
): T {
  const text = environment[variable]
  if (text === undefined || text === '') return standard
  const choice = choices.find((known) => known === text)
  if (choice === undefined) throw new Error(`${variable}=${text} is none of ${choices.join(', ')}`)
  return choice
}
