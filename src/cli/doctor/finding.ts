import { type Fault, isAbort, toFault } from '../../core/errors.ts'
import { printable } from '../report.ts'

/** What one check found. `unknown`: it could not be checked, the message says why. */
export interface Finding {
  readonly check: string
  readonly status: 'ok' | 'warn' | 'fail' | 'unknown'
  readonly message: string
  readonly remedy?: string
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

/** The findings for people: one line each, the remedy below. */
export function formatFindings(findings: readonly Finding[]): string {
  const width = Math.max(...findings.map(({ check }) => check.length))
  const lines = findings.flatMap(({ check, status, message, remedy }) => [
    `${status.padEnd(7)}  ${check.padEnd(width)}  ${printable(message)}`,
    ...(remedy === undefined ? [] : [`${' '.repeat(width + 11)}fix: ${printable(remedy)}`]),
  ])
  const count = (status: Finding['status']) => findings.filter((finding) => finding.status === status).length
  const sum = `${count('fail')} to mend, ${count('warn')} to know, ${count('unknown')} not checked, ${count('ok')} fine`
  return `${lines.join('\n')}\n\n${sum}\n`
}
