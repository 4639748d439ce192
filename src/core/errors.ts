import type { ErrorCode } from './error-codes.ts'

/** Why something is as it is; `code` and `remedy` are there when a user can act on it. */
export interface Reason {
  /** One sentence: what happened, to what, why. Quotes the bad value. No full stop at the end. */
  readonly message: string
  readonly code?: ErrorCode
  readonly remedy?: string
}

/** What a user needs to know of a failure: what happened to what and why, and the command or setting that fixes it. */
export interface Fault extends Reason {
  readonly code: ErrorCode
  /** The command or the setting that fixes it. */
  readonly remedy: string
}

/** An error that reaches the user with a stable code and a remedy. */
export class ApplianceError extends Error {
  override readonly name = 'ApplianceError'
  readonly code: ErrorCode
  readonly remedy: string

  constructor(fault: Fault, options?: { cause?: unknown }) {
    super(fault.message, options)
    this.code = fault.code
    this.remedy = fault.remedy
  }

  /** The plain data of this error, as it goes into the state. */
  get fault(): Fault {
    return { code: this.code, message: this.message, remedy: this.remedy }
  }
}

/** Several faults found in one pass, such as every wrong key of a configuration. Exits with the first one's code. */
export class ApplianceErrors extends Error {
  override readonly name = 'ApplianceErrors'
  readonly faults: readonly Fault[]

  constructor(faults: readonly Fault[]) {
    super(faults.map((fault) => fault.message).join('; '))
    this.faults = faults
  }
}

/** Whatever was thrown, as a fault; what is not ours is a defect, and says so. */
export function toFault(error: unknown): Fault {
  if (error instanceof ApplianceError) return error.fault
  if (error instanceof ApplianceErrors && error.faults[0] !== undefined) return error.faults[0]
  return {
    code: 'INTERNAL',
    message: messageOf(error),
    remedy: 'report this with the log around it (omada-host logs)',
  }
}

/** The message of whatever was thrown. */
export function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') return error.errors.map(messageOf).join('; ')
  return error instanceof Error ? error.message : String(error)
}

/** The `code` that Node's system errors carry (`ECONNREFUSED`, `EADDRINUSE`), or undefined. */
export function systemCode(error: unknown): string | undefined {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return typeof code === 'string' ? code : undefined
}

/** True when this is the rejection of something that was cancelled by an AbortSignal rather than a failure. */
export function isAbort(error: unknown): boolean {
  return error instanceof Error && (error.name === 'AbortError' || systemCode(error) === 'ABORT_ERR')
}
