import type { Writable } from 'node:stream'
import { errorCodes } from '../core/error-codes.ts'
import { ApplianceError, ApplianceErrors, type Fault, toFault } from '../core/errors.ts'
import { plainText } from '../core/text.ts'

/** Tells the user what went wrong and what fixes it, each fault in two lines. Returns the command's exit code. */
export function reportError(error: unknown, output: Writable): number {
  const faults = faultsOf(error)
  for (const fault of faults) output.write(formatFault(fault))
  const first = faults[0]
  // A defect is for whoever mends it.
  if (first?.code === 'INTERNAL' && error instanceof Error) output.write(`${error.stack}\n`)
  return first === undefined ? 1 : errorCodes[first.code].exit
}

export function formatFault(fault: Fault): string {
  return `error [${fault.code}] ${plainText(fault.message)}\n  fix: ${plainText(fault.remedy)}\n`
}

function faultsOf(error: unknown): readonly Fault[] {
  if (error instanceof ApplianceErrors) return error.faults
  if (error instanceof AggregateError) return error.errors.flatMap(faultsOf)
  return [causedFault(error)]
}

/** The fault of an error that is ours or was caused by one of ours, in the words of the outermost. */
function causedFault(error: unknown): Fault {
  const outer = toFault(error)
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof ApplianceError) return { ...cause.fault, message: outer.message }
  }
  return outer
}
