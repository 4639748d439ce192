/** What the host tells its probe child. The database's URI travels here and nowhere else: it may hold a password. */
export type ToChild =
  | { readonly type: 'configure'; readonly databaseUri?: string }
  | { readonly type: 'ask'; readonly id: number; readonly what: Question }

/** `database`: a ping and what the driver's monitoring saw. `sockets`: the UDP ports bound in the namespace. */
export type Question = 'database' | 'sockets'

/** What the driver knows of the database at the end of one ping. */
export interface DatabaseReport {
  readonly pingOk: boolean
  readonly writable: boolean
  /** The driver's server type, such as `Standalone`, `RSPrimary`, `RSSecondary` or `Unknown`. */
  readonly serverType: string
  readonly version?: string
  readonly roundTripMilliseconds?: number
  /** Why the ping failed, without secrets. */
  readonly error?: string
}

/** What the probe child tells the host. `writable`: the driver's monitoring has just found a writable server. */
export type FromChild =
  | { readonly type: 'ready' }
  | { readonly type: 'writable' }
  | { readonly type: 'database'; readonly id: number; readonly report: DatabaseReport }
  | { readonly type: 'sockets'; readonly id: number; readonly ports: readonly number[] }
  | { readonly type: 'failed'; readonly id: number; readonly message: string }

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null
const isOptional = (value: unknown, type: 'string' | 'number') => value === undefined || typeof value === type

/** True for a message that the child understands; anything else on the channel is ignored. */
export function isToChild(message: unknown): message is ToChild {
  if (!isObject(message)) return false
  if (message.type === 'configure') return isOptional(message.databaseUri, 'string')
  return (
    message.type === 'ask' &&
    typeof message.id === 'number' &&
    (message.what === 'database' || message.what === 'sockets')
  )
}

/** True for a message that the host understands; anything else on the channel is ignored. */
export function isFromChild(message: unknown): message is FromChild {
  if (!isObject(message)) return false
  if (message.type === 'ready' || message.type === 'writable') return true
  if (typeof message.id !== 'number') return false
  if (message.type === 'failed') return typeof message.message === 'string'
  if (message.type === 'sockets') return Array.isArray(message.ports) && message.ports.every(Number.isInteger)
  return message.type === 'database' && isDatabaseReport(message.report)
}

function isDatabaseReport(report: unknown): report is DatabaseReport {
  return (
    isObject(report) &&
    typeof report.pingOk === 'boolean' &&
    typeof report.writable === 'boolean' &&
    typeof report.serverType === 'string' &&
    isOptional(report.version, 'string') &&
    isOptional(report.roundTripMilliseconds, 'number') &&
    isOptional(report.error, 'string')
  )
}
