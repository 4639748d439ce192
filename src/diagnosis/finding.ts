import { type Fault, isAbort, type Reason, toFault } from '../core/errors.ts'

/**
 * What one check found. `fail`: to mend; `warn`: to know; `unknown`: it could not be checked or measured, the message
 * says why and the remedy how it can be.
 */
export interface CheckResult extends Reason {
  readonly status: 'ok' | 'warn' | 'fail' | 'unknown'
}

/** A result, and the name of the check whose it is. */
export interface Finding extends CheckResult {
  readonly check: string
}

/** One look at the machine or the network. What it throws becomes a finding too. */
export interface Check {
  readonly name: string
  run(signal: AbortSignal): Promise<readonly CheckResult[]> | readonly CheckResult[]
}

/** Runs checks side by side and gives what they found in their order. Rejects only when `signal` aborts. */
export async function runChecks(checks: readonly Check[], signal: AbortSignal): Promise<readonly Finding[]> {
  const found = await Promise.all(
    checks.map(async (check) => {
      const results = await resultsOf(check, signal)
      return results.map((result): Finding => ({ check: check.name, ...result }))
    }),
  )
  return found.flat()
}

async function resultsOf(check: Check, signal: AbortSignal): Promise<readonly CheckResult[]> {
  try {
    return await check.run(signal)
  } catch (error) {
    if (signal.aborted || isAbort(error)) throw error
    const fault = toFault(error)
    return [fault.code === 'INTERNAL' ? unknown(`could not check: ${fault.message}`) : failed(fault)]
  }
}

/** Nothing to mend. */
export function ok(message: string): CheckResult {
  return { status: 'ok', message }
}

/** To know. */
export function warn(message: string, remedy: string): CheckResult {
  return { status: 'warn', message, remedy }
}

/** To mend. */
export function fail(message: string, remedy?: string): CheckResult {
  return { status: 'fail', message, ...(remedy === undefined ? {} : { remedy }) }
}

/** Not checked or measured. */
export function unknown(message: string, remedy?: string): CheckResult {
  return { status: 'unknown', message, ...(remedy === undefined ? {} : { remedy }) }
}

/** A fault that would keep the appliance from working. */
export function failed({ code, message, remedy }: Fault): CheckResult {
  return { status: 'fail', code, message, remedy }
}
