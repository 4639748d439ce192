import { type Environment, readChoice, readNumber } from './settings.ts'

export const refusals = ['downgrade', 'avx', 'armv8.2-a', 'wiredtiger', 'old-data', 'upgrade-4'] as const
export type Refusal = (typeof refusals)[number]

/** Everything that can be made to go wrong. */
export interface Faults {
  readonly startSeconds: number
  readonly database: 'up' | 'dead' | 'slow'
  readonly databaseDelaySeconds: number
  /** With what a dead database has ended, by the controller's log. */
  readonly databaseExitCode: number
  readonly management: 'up' | 'closed'
  readonly discovery: 'up' | 'closed'
  readonly nameAddress: boolean
  readonly stopSeconds: number
  /** `linger`: the database is closed in order, and java goes on. */
  readonly stop: 'orderly' | 'ignore' | 'linger'
  readonly crash?: { readonly code: number; readonly afterSeconds: number }
  /** Seconds after the start, 0 for at once. */
  readonly outOfMemoryAfterSeconds?: number
  readonly mongoNodeIp?: string
  readonly refuse?: Refusal
}

const day = 86400

/** @throws Error that names the variable and its value */
export function faultsFromEnvironment(environment: Environment): Faults {
  const crashAfter = environment.STANDIN_CRASH_AFTER_SECONDS
  const memoryAfter = environment.STANDIN_OUT_OF_MEMORY_AFTER_SECONDS
  const refuse = readChoice<Refusal | 'none'>(environment, 'STANDIN_REFUSE', ['none', ...refusals], 'none')
  return {
    startSeconds: readNumber(environment, 'STANDIN_START_SECONDS', 0, day),
    database: readChoice(environment, 'STANDIN_DATABASE', ['up', 'dead', 'slow'], 'up'),
    databaseDelaySeconds: readNumber(environment, 'STANDIN_DATABASE_DELAY_SECONDS', 5, day),
    databaseExitCode: readNumber(environment, 'STANDIN_DATABASE_EXIT_CODE', 100, 255),
    management: readChoice(environment, 'STANDIN_MANAGEMENT', ['up', 'closed'], 'up'),
    discovery: readChoice(environment, 'STANDIN_DISCOVERY', ['up', 'closed'], 'up'),
    nameAddress: environment.STANDIN_NAME_ADDRESS === 'true',
    stopSeconds: readNumber(environment, 'STANDIN_STOP_SECONDS', 0, day),
    stop: readChoice(environment, 'STANDIN_STOP', ['orderly', 'ignore', 'linger'], 'orderly'),
    ...(crashAfter
      ? {
          crash: {
            code: readNumber(environment, 'STANDIN_CRASH_CODE', 1, 255),
            afterSeconds: readNumber(environment, 'STANDIN_CRASH_AFTER_SECONDS', 0, day),
          },
        }
      : {}),
    ...(memoryAfter
      ? { outOfMemoryAfterSeconds: readNumber(environment, 'STANDIN_OUT_OF_MEMORY_AFTER_SECONDS', 0, day) }
      : {}),
    ...(environment.STANDIN_MONGO_NODE_IP ? { mongoNodeIp: environment.STANDIN_MONGO_NODE_IP } : {}),
    ...(refuse === 'none' ? {} : { refuse }),
  }
}

const choices = {
  database: ['up', 'dead', 'slow'],
  management: ['up', 'closed'],
  discovery: ['up', 'closed'],
  stop: ['orderly', 'ignore', 'linger'],
}
const seconds = ['databaseDelaySeconds', 'stopSeconds']

/**
 * The faults after an operator's change at run time.
 * @throws Error that says which key or value is not accepted; nothing is changed then
 */
export function changeFaults(faults: Faults, change: Readonly<Record<string, unknown>>): Faults {
  const changed: Record<string, unknown> = { ...faults }
  for (const [key, value] of Object.entries(change)) {
    const allowed = new Map(Object.entries(choices)).get(key)
    if (allowed !== undefined && typeof value === 'string' && allowed.includes(value)) changed[key] = value
    else if (seconds.includes(key) && isSeconds(value)) changed[key] = value
    else if (key === 'databaseExitCode' && isExitCode(value)) changed[key] = value
    else if (key === 'nameAddress' && typeof value === 'boolean') changed[key] = value
    else if (key === 'outOfMemory' && value === true) changed.outOfMemoryAfterSeconds = 0
    else if (key === 'crash' && isCrash(value)) changed[key] = value
    else throw new Error(`${key}: ${JSON.stringify(value)?.slice(0, 80)} is not accepted`)
  }
  return changed as unknown as Faults
}

function isSeconds(value: unknown): boolean {
  return typeof value === 'number' && value >= 0 && value <= day
}

function isCrash(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  const { code, afterSeconds } = value as { code?: unknown; afterSeconds?: unknown }
  return isSeconds(afterSeconds) && isExitCode(code)
}

function isExitCode(value: unknown): boolean {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 255
}
