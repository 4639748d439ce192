import { type Fault, isAbort, type Reason, toFault } from '../core/errors.ts'

/**
 * What one check found. `fail`: to mend; `warn`: to know; `unknown`: it could not be checked or measured, the message
 * says why and the remedy how it can be.
 */
export interface Finding extends Reason {
  readonly check: string
  readonly status: 'ok' | 'warn' | 'fail' | 'unknown'
}

/** One look at the machine. What it throws becomes a finding too. */
export interface Check {
  readonly name: string
  run(signal: AbortSignal): Promise<readonly Finding[]> | readonly Finding[]
}

/** Runs one check. Rejects only when `signal` aborts. */
export async function runCheck(check: Check, signal: AbortSignal): Promise<readonly Finding[]> {
  try {
    return await check.run(signal)
  } catch (error) {
    if (signal.aborted || isAbort(error)) throw error
    const fault = toFault(error)
    if (fault.code !== 'INTERNAL') return [faultFinding(check.name, fault)]
    return [{ check: check.name, status: 'unknown', message: `could not check: ${fault.message}` }]
  }
}

/** A fault that would keep the appliance from working. */
export function faultFinding(check: string, fault: Fault): Finding {
  return { check, status: 'fail', message: `[${fault.code}] ${fault.message}`, remedy: fault.remedy }
}
