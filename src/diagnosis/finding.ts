import { type Fault, isAbort, type Reason, toFault } from '../core/errors.ts'

/**
 * What one check found. `fail`: to mend; `warn`: to know; `unknown`: it could not be checked or measured, the message
 * says why and the remedy how it can be.
 */
export interface Verdict extends Reason {
  readonly status: 'ok' | 'warn' | 'fail' | 'unknown'
}

/** A verdict, and the name of the check whose it is. */
export interface Finding extends Verdict {
  readonly check: string
}

/** One look at the machine or the network. What it throws becomes a finding too. */
export interface Check {
  readonly name: string
  run(signal: AbortSignal): Promise<readonly Verdict[]> | readonly Verdict[]
}

/** Runs checks side by side and gives what they found in their order. Rejects only when `signal` aborts. */
export async function runChecks(checks: readonly Check[], signal: AbortSignal): Promise<readonly Finding[]> {
  const found = await Promise.all(
    checks.map(async (check) => {
      const verdicts = await verdictsOf(check, signal)
      return verdicts.map((verdict): Finding => ({ check: check.name, ...verdict }))
    }),
  )
  return found.flat()
}

async function verdictsOf(check: Check, signal: AbortSignal): Promise<readonly Verdict[]> {
  try {
    return await check.run(signal)
  } catch (error) {
    if (signal.aborted || isAbort(error)) throw error
    const fault = toFault(error)
    return [fault.code === 'INTERNAL' ? unknown(`could not check: ${fault.message}`) : failed(fault)]
  }
}

export function ok(message: string): Verdict {
  return { status: 'ok', message }
}

export function warn(message: string, remedy: string): Verdict {
  return { status: 'warn', message, remedy }
}

export function fail(message: string, remedy?: string): Verdict {
  return { status: 'fail', message, ...(remedy === undefined ? {} : { remedy }) }
}

export function unknown(message: string, remedy?: string): Verdict {
  return { status: 'unknown', message, ...(remedy === undefined ? {} : { remedy }) }
}

/** A fault that would keep the appliance from working. */
export function failed({ code, message, remedy }: Fault): Verdict {
  return fail(`[${code}] ${message}`, remedy)
}
