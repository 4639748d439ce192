import * as z from 'zod'
import { parseIpv4 } from '../core/cidr.ts'
import { isSchedule } from '../core/cron-job.ts'
import { isImageReference } from '../omada/image-reference.ts'
import {
  absolutePath,
  access,
  count,
  engineName,
  mountedDirectory,
  peer,
  port,
  seconds,
  subnet,
  text,
  timezone,
  variables,
  volume,
} from './values.ts'

/** What must be started anew before a changed key takes effect: the host, and with it the container; the host; the edge. */
export type Need = 'container' | 'host' | 'edge'

/** `.meta` of every key: `needs` is absent for a live one; `secret` is redacted wherever it is shown. */
export interface KeyMeta {
  readonly description: string
  /** What is accepted, in words, where the type and its limits do not say it. */
  readonly accepts?: string
  readonly needs?: Need
  readonly secret?: boolean
  /** A number in it is a text, and keeps the form that it is written in: 1.10 is not 1.1. */
  readonly asWritten?: boolean
}

/** Only in types: how the compiler knows what a change of a key needs. */
declare const mark: unique symbol
interface Marked<E extends Need | 'live'> {
  readonly [mark]: E
}

/** A key of the configuration. One that is `live` takes effect as soon as it is in force. */
function key<E extends Need | 'live', S extends z.ZodType>(effect: E, schema: S, description: string): S & Marked<E> {
  const needs = effect === 'live' ? {} : { needs: effect }
  return schema.meta({ ...schema.meta(), description, ...needs }) as S & Marked<E>
}

/** A section whose every key says what a change of it needs. */
function section<K extends Readonly<Record<string, z.ZodType & Marked<Need | 'live'>>>>(keys: K) {
  return z.strictObject(keys)
}

const memoryLimits = z.strictObject({
  heapMegabytes: count(256, 1_048_576).meta({ description: 'JVM heap (JAVA_MAX_HEAP_SIZE)' }),
  databaseCacheMegabytes: count(256, 1_048_576).meta({ description: "WiredTiger's cache" }),
  limitMegabytes: count(1024, 1_048_576).optional().meta({ description: "the container's memory limit" }),
})

const openApi = z.strictObject({
  clientId: text('the client ID that the controller shows', /^[\x21-\x7e]{1,256}$/),
  clientSecretFile: absolutePath,
})

const controller = section({
  image: key(
    'container',
    text('an image reference such as docker.io/mbentley/omada-controller:6.3', isImageReference).default(
      'docker.io/mbentley/omada-controller:6.3',
    ),
    'image by tag or digest; never latest, which stays on v5',
  ),
  pull: key('live', z.enum(['missing', 'always', 'never']).default('missing'), 'when to pull the image'),
  name: key('container', engineName.default('omada-controller'), "the container's name"),
  dataVolume: key('container', volume.default('omada-data'), 'volume name or absolute path of the data'),
  logsVolume: key('container', volume.default('omada-logs'), 'volume name or absolute path of the logs'),
  certificateDirectory: key(
    'container',
    mountedDirectory.optional(),
    "directory with tls.crt (full chain) and tls.key, or with certbot's fullchain.pem and privkey.pem",
  ),
  timezone: key('container', timezone.optional(), "time zone; the machine's when absent"),
  environment: key(
    'container',
    variables
      .meta({ accepts: 'variable names, each with a value, or a list of NAME=value' })
      .prefault({})
      .meta({ secret: true, asWritten: true }),
    'more variables for the image',
  ),
  stopGraceSeconds: key(
    'live',
    seconds(60, 3600)
      .meta({
        accepts: 'a number from 60 to 3600, because a controller that is killed while it stops corrupts its database',
      })
      .default(120),
    'how long the controller may take to stop; an unclean stop corrupts its database',
  ),
  memory: key(
    'container',
    z
      .union([z.enum(['auto', 'off']), memoryLimits])
      .meta({
        accepts:
          'auto, off, or {heapMegabytes, databaseCacheMegabytes} of 256 or more each, optionally limitMegabytes of 1024 or more',
      })
      .default('auto'),
    "JVM heap, WiredTiger cache and limit, sized from the machine's RAM",
  ),
  cpus: key('container', z.number().min(0.1).max(1024).optional(), 'CPU limit'),
  egress: key(
    'live',
    z.enum(['any', 'internet', 'none']).default('any'),
    'whom the controller may reach by itself beyond this machine: anybody; the internet, which is no private network and none of this machine; or nobody. Name servers, mongo.uri and controller.reach it may in any case',
  ),
  reach: key(
    'live',
    z.array(peer).max(64).default([]),
    'addresses that the controller may reach by itself in any case, on this machine too: mail, RADIUS, syslog, NTP',
  ),
  openApi: key(
    'live',
    openApi.meta({ accepts: '{clientId, clientSecretFile}, the file being one that only root may read' }).optional(),
    "client of the controller's Open API, by which omada-host sets the address that devices are told",
  ),
  init: key('container', z.boolean().default(false), 'run an init as PID 1 (needs catatonit with Podman)'),
})

const engine = section({
  socket: key(
    'host',
    absolutePath.optional(),
    "the engine's socket; when absent the first of Podman's and Docker's that answers, or the one that has the controller already",
  ),
  runtime: key(
    'container',
    text('an OCI runtime such as crun or runc', /^[a-zA-Z0-9._/-]{1,128}$/).optional(),
    'OCI runtime; chosen by what the machine supports when absent',
  ),
})

const network = section({
  name: key('container', engineName.default('omada'), "the bridge network's name"),
  subnet: key('container', subnet.default('10.129.81.0/24'), "the bridge network's subnet"),
  controllerAddress: key(
    'container',
    text('an IPv4 address', (value) => parseIpv4(value) !== undefined).default('10.129.81.10'),
    "the controller's fixed address in that subnet",
  ),
  mss: key(
    'live',
    count(536, 1460).optional(),
    "bytes that a TCP segment to and from devices may carry at most, where a way to them is narrower than this machine's own network: its MTU less 40, over IPv6 less 60",
  ),
  deviceAddress: key(
    'live',
    text('an IPv4 address', (value) => parseIpv4(value) !== undefined).optional(),
    'the address by which devices reach this machine, which the controller is to tell them; when absent the one by which most are connected, or that of the default route',
  ),
})

const discovery = section({
  ports: key('edge', z.array(port).min(1).max(16).default([27001, 29810, 19810]), 'UDP ports to relay'),
  sessionSeconds: key('edge', seconds(10, 3600).default(90), 'how long an idle session is kept'),
  maxSessions: key('edge', count(16, 65536).default(16384), 'sessions at once; the longest idle gives way'),
  duplicateWindowMilliseconds: key(
    'edge',
    count(0, 60_000).default(1000),
    'an identical payload from the same address and port within this time is dropped',
  ),
  ratePerSource: key(
    'edge',
    count(1, 1_000_000).default(200),
    'datagrams per second and address; bursts of twice that pass',
  ),
  strict: key('live', z.boolean().default(false), 'let only well-formed frames pass on 29810'),
  rewriteAddresses: key(
    'live',
    z.boolean().default(true),
    "replace the container's address in answers by this machine's",
  ),
})

const accessSection = section({
  devices: key('live', access.default('any'), 'networks on which devices are served'),
  management: key('live', access.default('any'), 'networks on which management is served'),
  guests: key('live', access.default('any'), 'networks on which portal guests are served'),
})

const proxy = section({
  listen: key('edge', z.enum(['dual-stack', '0.0.0.0']).default('dual-stack'), 'dual-stack, or 0.0.0.0 for IPv4 only'),
  ports: key(
    'edge',
    z.array(port).min(1).max(64).default([8088, 8043, 8044, 8843, 29811, 29812, 29813, 29814, 29815, 29816, 29817]),
    'TCP ports to proxy',
  ),
  maxConnections: key(
    'edge',
    count(1, 1_000_000).default(16384),
    'connections at once, over all ports; at most half of them on web ports',
  ),
  maxConnectionsPerSource: key(
    'edge',
    count(1, 1_000_000).default(1024),
    'connections at once of one address, per port; over all ports as many as are left',
  ),
  connectTimeoutSeconds: key('edge', seconds(0.1, 120).default(5), 'deadline to reach the controller'),
  idleTimeoutSeconds: key('edge', seconds(10, 604_800).default(3600), 'a connection silent for longer is closed'),
  drainSeconds: key('edge', seconds(0, 300).default(10), 'how long connections may finish on stop'),
})

const health = section({
  intervalSeconds: key('live', seconds(1, 3600).default(15), 'time between probes; one second while starting'),
  startupSeconds: key('live', seconds(10, 86_400).default(900), 'how long the controller may take to start'),
  failureThreshold: key('live', count(1, 100).default(3), 'failed probes in a row before it counts'),
  restartWhenUnhealthyMinutes: key(
    'live',
    z.number().min(0).max(100_000).default(0),
    'restart a controller that is unhealthy for this long; 0 = never',
  ),
})

const mongo = section({
  uri: key(
    'container',
    text('a mongodb:// or mongodb+srv:// URI', /^mongodb(\+srv)?:\/\/\S+$/)
      .optional()
      .meta({ secret: true }),
    'external MongoDB; the embedded one when absent',
  ),
})

const status = section({
  port: key('edge', port.default(8090), 'TCP port of the status page, served to access.management'),
})

const images = section({
  checkSchedule: key(
    'live',
    text('a cron schedule of five fields, such as "17 3 * * *"', isSchedule).default('17 3 * * *'),
    'cron schedule of the check for newer images; nothing is changed by it',
  ),
  authFile: key(
    'live',
    absolutePath.optional(),
    "file with the logins to registries, for either engine: the form of Docker's config.json and Podman's auth.json",
  ),
})

const log = section({
  level: key(
    'live',
    z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent']).default('info'),
    'least severe level that is logged',
  ),
})

/** The whole configuration; every section and key has a default, so that an absent file is a valid one. */
export const configSchema = z.strictObject({
  controller: controller.prefault({}),
  engine: engine.prefault({}),
  network: network.prefault({}),
  discovery: discovery.prefault({}),
  access: accessSection.prefault({}),
  proxy: proxy.prefault({}),
  health: health.prefault({}),
  mongo: mongo.prefault({}),
  status: status.prefault({}),
  images: images.prefault({}),
  log: log.prefault({}),
})

/** The effective configuration. Units are in the names: seconds, milliseconds, megabytes (2^20 bytes). */
export type Config = DeepReadonly<z.output<typeof configSchema>>
export type AccessList = DeepReadonly<z.output<typeof access>>

type DeepReadonly<T> = T extends object ? { readonly [K in keyof T]: DeepReadonly<T[K]> } : T

type Keys<S extends keyof Config> = (typeof configSchema)['shape'][S]['def']['innerType']['shape']

/** The names of the keys of a section that need one of `N`. */
type Needing<S extends keyof Config, N extends Need | 'live'> = {
  [K in keyof Keys<S>]: Keys<S>[K] extends Marked<N> ? K : never
}[keyof Keys<S>]

/** The part of the configuration that needs one of `N` when it changes. */
type Part<N extends Need | 'live'> = {
  readonly [S in keyof Config as Needing<S, N> extends never ? never : S]: Pick<
    Config[S],
    Needing<S, N> & keyof Config[S]
  >
}

/** What may change at any time: to be had from a getter, and read anew whenever it is needed. */
export type LiveConfig = Part<'live'>
/** What stays as it is for the life of a host. */
export type HostConfig = Part<'container' | 'host'>
/** What stays as it is for the life of an edge. */
export type EdgeConfig = Part<'edge'>
