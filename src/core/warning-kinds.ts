import type { ErrorCode } from './error-codes.ts'
import type { Fault } from './errors.ts'

/** `error`: something does not work. `warning`: it will not for long, or not for all. `notice`: to know, and no more. */
export type Severity = 'error' | 'warning' | 'notice'

const severities: readonly Severity[] = ['error', 'warning', 'notice']

/** The order in which warnings are shown: the worst first. */
export function bySeverity(one: { readonly severity: Severity }, other: { readonly severity: Severity }): number {
  return severities.indexOf(one.severity) - severities.indexOf(other.severity)
}

/** What a user should know or act on, as it goes into the state. */
export interface Warning extends Fault {
  readonly severity: Severity
  /** Since when it is so, ISO 8601; absent in what only a reader of the state found out. */
  readonly since?: string
}

/** A change of the phase, of a condition or of a warning, or a step that was taken. `at` is ISO 8601. */
export interface HistoryEntry {
  readonly at: string
  readonly subject: string
  readonly from?: string
  readonly to: string
  readonly message: string
}

/** A code, or where only one of the things that can have it is meant, `CODE:role`. */
type Cause = ErrorCode | `${ErrorCode}:${string}`

/** How warnings of one code are treated. */
export interface WarningKind {
  readonly severity: Severity
  /** What it may follow from, the nearest to the root first: while one of these stands, it is not shown. */
  readonly causes?: readonly Cause[]
  /** It is told only when it has stood for so long: what comes and goes faster is not worth a word. */
  readonly visibleAfterMilliseconds?: number
  /** What the history calls the state of whatever it is about; its severity unless given. */
  readonly state?: string
  /** What is said when it is over, for people; its own message, as over, unless given. */
  readonly over?: string
  /** Kept out of the history, which is bounded; the log has it all the same. */
  readonly inHistory?: false
}

/** An update of the engine restarts it, which says nothing of the controller: that runs on. */
const ofEngine: WarningKind = { severity: 'error', inHistory: false, over: 'the container engine works again' }

/** At the machine's start, and when an address is renewed, an interface is without one for a moment. */
const ofAddresses: WarningKind = { severity: 'warning', visibleAfterMilliseconds: 5000 }

const ofProbe = (...causes: readonly Cause[]): WarningKind => ({ severity: 'error', state: 'failing', causes })

/** How the database ended, by its exit code; what follows from it is that it does not answer. */
const databaseEnds = [
  'DATABASE_FILES',
  'DATABASE_DAMAGED',
  'DATABASE_ABORTED',
  'DATABASE_CRASHED',
  'DATABASE_ENDED',
  'CONTROLLER_OLD_DATABASE',
  'CPU_UNSUPPORTED',
] as const

/** The database does not do what the controller needs it for. */
const databaseFails = ['DATABASE_DOWN', 'DATABASE_LOGIN', 'DATABASE_TLS'] as const

const ofDatabaseEnd: WarningKind = {
  severity: 'error',
  causes: ['DISK_FULL:data'],
  over: "the controller's database has not ended again",
}

const kinds: Readonly<Partial<Record<ErrorCode, WarningKind>>> = {
  ENGINE_UNREACHABLE: ofEngine,
  ENGINE_PERMISSION: ofEngine,
  ENGINE_TIMEOUT: ofEngine,
  ENGINE_REQUEST: ofEngine,
  CONTAINER_PAUSED: { severity: 'error', inHistory: false, over: 'the container is not paused any more' },
  CONTAINER_OUTDATED: { severity: 'notice', over: 'the container is as this version of omada-host makes it' },
  CONTAINER_REPLACED: { severity: 'warning', over: 'the container is one that omada-host made' },
  DISK_FULL: { severity: 'error', state: 'full' },
  DISK_LOW: { severity: 'warning', state: 'low' },
  ...Object.fromEntries(databaseEnds.map((code) => [code, ofDatabaseEnd])),
  DATABASE_LOGIN: ofProbe(),
  DATABASE_TLS: ofProbe(),
  DATABASE_DOWN: ofProbe('CONTAINER_PAUSED', 'DISK_FULL:data', 'CONTROLLER_OUT_OF_MEMORY', ...databaseEnds),
  WEB_DOWN: ofProbe(...databaseFails, 'WEB_DOWN:web', 'CONTAINER_PAUSED', 'SUBNET_ROUTED'),
  DEVICE_PORT_DOWN: ofProbe(...databaseFails, 'SUBNET_ROUTED'),
  SUBNET_ROUTED: { severity: 'error', over: 'Linux sends to the controller by its bridge' },
  DISCOVERY_DOWN: ofProbe(...databaseFails, 'DISCOVERY_DOWN:discovery'),
  PROBE_FAILED: ofProbe(),
  // Noted as a step when it happens.
  CONTROLLER_KILLED: { severity: 'warning', inHistory: false, over: 'that the controller was killed is acknowledged' },
  DEVICES_ASTRAY: {
    severity: 'warning',
    over: 'no sign of devices that look for the controller elsewhere was seen any more',
  },
  DEVICE_ADDRESS: { severity: 'warning', over: 'devices are told an address by which they reach this machine' },
  OPEN_API_LOGIN: { severity: 'warning', over: 'devices are told an address by which they reach this machine' },
  OPEN_API_FAILED: { severity: 'warning', over: 'devices are told an address by which they reach this machine' },
  RECORD_UNUSABLE: { severity: 'warning' },
  OPEN_FILES_LOW: { severity: 'warning' },
  NEIGHBOURS_FULL: { severity: 'error', over: 'this kernel has had room for all machines around' },
  OTHER_APPLIANCE: { severity: 'warning', over: 'no other omada-host is heard any more' },
  ACCESS_UNKNOWN_INTERFACE: ofAddresses,
  DISCOVERY_NO_ADDRESS: ofAddresses,
  DISCOVERY_FLOOD: { severity: 'warning' },
  DISCOVERY_SESSIONS_FULL: { severity: 'warning' },
  // What keeps an attacker out is missing; whoever else uses the controller notices nothing.
  REACH_REFUSED: { severity: 'notice', over: 'the controller has not tried to reach it for an hour, or may now' },
  NFT_MISSING: { severity: 'error' },
  FENCE_DOWN: { severity: 'error' },
  FILTER_FLUSHED: { severity: 'warning', over: "nobody has emptied this machine's packet filter for an hour" },
  CERTIFICATE_UNUSABLE: { severity: 'warning', over: 'the certificate can be used' },
  CERTIFICATE_EXPIRED: { severity: 'warning', over: 'the certificate is valid' },
  CERTIFICATE_EXPIRES: { severity: 'warning', over: 'the certificate was renewed' },
  CERTIFICATE_NAMELESS: { severity: 'warning', over: 'the certificate names a host' },
  // Known from the start.
  KERNEL_DATABASE: { severity: 'notice', inHistory: false },
  IMAGE_TAG_LATEST: { severity: 'notice', inHistory: false },
  RESTART_PENDING: { severity: 'notice', over: 'the configuration in force is the one that was read' },
}

/** A code that the table does not have is an error without a cause. */
export function warningKind(code: ErrorCode): WarningKind {
  return kinds[code] ?? { severity: 'error' }
}

/** Something that can be wrong: the code that it has then, and which of the things it is that can have that code. */
export interface Trouble {
  readonly code: ErrorCode
  readonly role: string
}

/** The first of its causes that is among `others`, in the order of the table; never itself. */
export function causeAmong<T extends Trouble>(one: Trouble, others: Iterable<T>): T | undefined {
  const candidates = [...others].filter(({ code, role }) => code !== one.code || role !== one.role)
  for (const cause of warningKind(one.code).causes ?? []) {
    const found = candidates.find(({ code, role }) => cause === code || cause === `${code}:${role}`)
    if (found !== undefined) return found
  }
  return undefined
}
