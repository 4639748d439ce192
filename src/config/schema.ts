import * as z from 'zod'
import { parseIpv4 } from '../core/cidr.ts'
import { isImageReference } from '../omada/image-reference.ts'
import {
  absolutePath,
  access,
  count,
  engineName,
  isSchedule,
  isSubnet,
  isTimezone,
  port,
  seconds,
  volume,
} from './values.ts'

/** `.meta` of every key: `needs` says what a change of it takes; `secret` is redacted wherever it is shown. */
export interface KeyMeta {
  readonly description: string
  /** What is accepted, in words, where the type and its limits do not say it. */
  readonly accepts?: string
  readonly needs?: 'container' | 'restart'
  readonly secret?: boolean
}

const memoryLimits = z.strictObject({
  heapMegabytes: count(256, 1_048_576).meta({ description: 'JVM heap (JAVA_MAX_HEAP_SIZE)' }),
  databaseCacheMegabytes: count(256, 1_048_576).meta({ description: "WiredTiger's cache" }),
  limitMegabytes: count(1024, 1_048_576).optional().meta({ description: "the container's memory limit" }),
})

const controller = z.strictObject({
  image: z
    .string()
    .refine(isImageReference)
    .meta({ accepts: 'an image reference such as docker.io/mbentley/omada-controller:6.2' })
    .default('docker.io/mbentley/omada-controller:6.2')
    .meta({ description: 'image by tag or digest; never latest, which stays on v5', needs: 'container' }),
  pull: z.enum(['missing', 'always', 'never']).default('missing').meta({ description: 'when to pull the image' }),
  name: engineName.default('omada-controller').meta({ description: "the container's name", needs: 'container' }),
  dataVolume: volume
    .default('omada-data')
    .meta({ description: 'volume name or absolute path of the data', needs: 'container' }),
  logsVolume: volume
    .default('omada-logs')
    .meta({ description: 'volume name or absolute path of the logs', needs: 'container' }),
  certificateDirectory: absolutePath.optional().meta({
    description: 'directory with tls.crt (full chain) and tls.key, mounted read-only at /cert',
    needs: 'container',
  }),
  timezone: z
    .string()
    .refine(isTimezone)
    .meta({ accepts: 'a time zone such as Europe/Berlin' })
    .optional()
    .meta({ description: "time zone; the machine's when absent", needs: 'container' }),
  environment: z
    .record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/), z.string())
    .meta({ accepts: 'variable names, each with a text; numbers, true and false in quotes' })
    .default({})
    .meta({ description: 'more variables for the image', needs: 'container', secret: true }),
  stopGraceSeconds: seconds(60, 3600)
    .meta({
      accepts: 'a number from 60 to 3600, because a controller that is killed while it stops corrupts its database',
    })
    .default(120)
    .meta({ description: 'how long the controller may take to stop; an unclean stop corrupts its database' }),
  memory: z
    .union([z.enum(['auto', 'off']), memoryLimits])
    .meta({
      accepts:
        'auto, off, or {heapMegabytes, databaseCacheMegabytes} of 256 or more each, optionally limitMegabytes of 1024 or more',
    })
    .default('auto')
    .meta({ description: "JVM heap, WiredTiger cache and limit, sized from the machine's RAM", needs: 'container' }),
  cpus: z.number().min(0.1).max(1024).optional().meta({ description: 'CPU limit', needs: 'container' }),
  init: z
    .boolean()
    .default(false)
    .meta({ description: 'run an init as PID 1 (needs catatonit with Podman)', needs: 'container' }),
})

const engine = z.strictObject({
  socket: absolutePath.optional().meta({
    description:
      "the engine's socket; when absent the first of Podman's and Docker's that answers, or the one that has the controller already",
    needs: 'restart',
  }),
  runtime: z
    .string()
    .regex(/^[a-zA-Z0-9._/-]{1,128}$/)
    .meta({ accepts: 'an OCI runtime such as crun or runc' })
    .optional()
    .meta({ description: 'OCI runtime; chosen by what the machine supports when absent', needs: 'container' }),
})

const network = z.strictObject({
  name: engineName.default('omada').meta({ description: "the bridge network's name", needs: 'container' }),
  subnet: z
    .string()
    .refine((text) => isSubnet(text))
    .meta({ accepts: 'an IPv4 network from /8 to /29, such as 10.129.81.0/24' })
    .default('10.129.81.0/24')
    .meta({ description: "the bridge network's subnet", needs: 'container' }),
  controllerAddress: z
    .string()
    .refine((text) => parseIpv4(text) !== undefined)
    .meta({ accepts: 'an IPv4 address' })
    .default('10.129.81.10')
    .meta({ description: "the controller's fixed address in that subnet", needs: 'container' }),
})

const discovery = z.strictObject({
  ports: z
    .array(port)
    .min(1)
    .max(16)
    .default([27001, 29810, 19810])
    .meta({ description: 'UDP ports to relay', needs: 'restart' }),
  sessionSeconds: seconds(10, 3600)
    .default(90)
    .meta({ description: 'how long an idle session is kept', needs: 'restart' }),
  maxSessions: count(16, 65536)
    .default(16384)
    .meta({ description: 'sessions at once; the longest idle gives way', needs: 'restart' }),
  duplicateWindowMilliseconds: count(0, 60_000).default(1000).meta({
    description: 'an identical payload from the same address and port within this time is dropped',
    needs: 'restart',
  }),
  ratePerSource: count(1, 1_000_000)
    .default(200)
    .meta({ description: 'datagrams per second and address; bursts of twice that pass', needs: 'restart' }),
  strict: z.boolean().default(false).meta({ description: 'let only well-formed frames pass on 29810' }),
  rewriteAddresses: z
    .boolean()
    .default(true)
    .meta({ description: "replace the container's address in answers by this machine's" }),
})

const accessSection = z.strictObject({
  devices: access.default('any').meta({ description: 'networks on which devices are served' }),
  management: access.default('any').meta({ description: 'networks on which management is served' }),
  guests: access.default('any').meta({ description: 'networks on which portal guests are served' }),
})

const proxy = z.strictObject({
  listen: z
    .enum(['dual-stack', '0.0.0.0'])
    .default('dual-stack')
    .meta({ description: 'dual-stack, or 0.0.0.0 for IPv4 only', needs: 'restart' }),
  ports: z
    .array(port)
    .min(1)
    .max(64)
    .default([8088, 8043, 8843, 29811, 29812, 29813, 29814, 29815, 29816, 29817])
    .meta({ description: 'TCP ports to proxy; add 8044 for 6.3', needs: 'restart' }),
  maxConnections: count(1, 1_000_000)
    .default(16384)
    .meta({ description: 'connections at once, over all ports; at most half of them on web ports', needs: 'restart' }),
  maxConnectionsPerSource: count(1, 1_000_000).default(1024).meta({
    description: 'connections at once of one address, per port; over all ports as many as are left',
    needs: 'restart',
  }),
  connectTimeoutSeconds: seconds(0.1, 120)
    .default(5)
    .meta({ description: 'deadline to reach the controller', needs: 'restart' }),
  idleTimeoutSeconds: seconds(10, 604_800)
    .default(3600)
    .meta({ description: 'a connection silent for longer is closed', needs: 'restart' }),
  drainSeconds: seconds(0, 300)
    .default(10)
    .meta({ description: 'how long connections may finish on stop', needs: 'restart' }),
})

const health = z.strictObject({
  intervalSeconds: seconds(1, 3600).default(15).meta({ description: 'time between probes; one second while starting' }),
  startupSeconds: seconds(10, 86_400).default(900).meta({ description: 'how long the controller may take to start' }),
  failureThreshold: count(1, 100).default(3).meta({ description: 'failed probes in a row before it counts' }),
  restartWhenUnhealthyMinutes: z
    .number()
    .min(0)
    .max(100_000)
    .default(0)
    .meta({ description: 'restart a controller that is unhealthy for this long; 0 = never' }),
})

const mongo = z.strictObject({
  uri: z
    .string()
    .regex(/^mongodb(\+srv)?:\/\/\S+$/)
    .meta({ accepts: 'a mongodb:// or mongodb+srv:// URI' })
    .optional()
    .meta({ description: 'external MongoDB; the embedded one when absent', needs: 'container', secret: true }),
})

const status = z.strictObject({
  port: port
    .default(8090)
    .meta({ description: 'TCP port of the status page, served to access.management', needs: 'restart' }),
})

const images = z.strictObject({
  checkSchedule: z
    .string()
    .refine(isSchedule)
    .meta({ accepts: 'a cron schedule of five fields, such as "17 3 * * *"' })
    .default('17 3 * * *')
    .meta({ description: 'cron schedule of the check for newer images; nothing is changed by it' }),
})

const log = z.strictObject({
  level: z
    .enum(['trace', 'debug', 'info', 'warn', 'error', 'silent'])
    .default('info')
    .meta({ description: 'least severe level that is logged' }),
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
export type Config = z.output<typeof configSchema>
export type AccessList = z.output<typeof access>
