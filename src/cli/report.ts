import type { Writable } from 'node:stream'
import { errorCodes } from '../core/error-codes.ts'
import { ApplianceError, ApplianceErrors, type Fault, toFault } from '../core/errors.ts'
import type { AdjustableLogger, LogLevel } from '../core/logger.ts'
import { plainJson, plainLines, plainText } from '../core/text.ts'
import type { Finding } from '../diagnosis/finding.ts'
import type { CliContext } from './context.ts'

/** Tells the user what went wrong and what fixes it, each fault in two lines. Returns the command's exit code. */
export function reportError(error: unknown, output: Writable): number {
  const faults = faultsOf(error)
  for (const fault of faults) output.write(faultLines(`error [${fault.code}]`, fault))
  const first = faults[0]
  // A defect is for whoever mends it.
  if (first?.code === 'INTERNAL' && error instanceof Error) output.write(`${plainLines(error.stack ?? '')}\n`)
  return first === undefined ? 1 : errorCodes[first.code].exit
}

/** Tells what a configuration was accepted with. */
export function reportWarnings(warnings: readonly Fault[], output: Writable): void {
  for (const warning of warnings) output.write(faultLines('warning', warning))
}

function faultLines(prefix: string, { message, remedy }: Fault): string {
  return `${prefix} ${plainText(message)}\n  fix: ${plainText(remedy)}\n`
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

/** What a look at the machine found, as JSON or for people: a line each, the remedy below, a sum at the end. */
export function formatFindings(
  findings: readonly Finding[],
  { json = false }: { readonly json?: boolean } = {},
): string {
  if (json) return formatJson(findings)
  const width = Math.max(...findings.map(({ check }) => check.length))
  const lines = findings.flatMap(({ check, status, code, message, remedy }) => [
    `${status.padEnd(7)}  ${check.padEnd(width)}  ${code === undefined ? '' : `[${code}] `}${plainText(message)}`,
    ...(remedy === undefined ? [] : [`${' '.repeat(width + 11)}fix: ${plainText(remedy)}`]),
  ])
  const count = (status: Finding['status']) => findings.filter((finding) => finding.status === status).length
  const sum = `${count('fail')} to mend, ${count('warn')} to know, ${count('unknown')} not checked, ${count('ok')} fine`
  return `${lines.join('\n')}\n\n${sum}\n`
}

/** JSON on as many lines as people need to read it. */
export function formatJson(value: unknown): string {
  return `${plainJson(value, 2)}\n`
}

/** The process's logger, on stderr, and what changes its level. */
export async function makeLogger(context: CliContext, level: LogLevel): Promise<AdjustableLogger> {
  const { createAdjustableLogger } = await import('../core/logger.ts')
  return createAdjustableLogger({ level, format: context.logFormat, write: (line) => void context.stderr.write(line) })
}
