import { ProgramError, runProgram } from '../core/run-program.ts'

/** What a program of this machine said. `absent`: it is not installed. */
export type ProgramOutput =
  | { readonly kind: 'absent' }
  | { readonly kind: 'failed'; readonly why: string }
  | { readonly kind: 'said'; readonly text: string }

const deadlineMilliseconds = 10_000
/** Rules of a machine with many containers take some hundred kilobytes. */
const maxBytes = 16 * 1024 * 1024

/** Runs a program to its end. Rejects only with the signal's reason. */
export async function programOutput(argv: readonly [string, ...string[]], signal: AbortSignal): Promise<ProgramOutput> {
  try {
    const output = await runProgram(argv, { deadlineMilliseconds, maxBytes, signal })
    return { kind: 'said', text: output.toString('utf8') }
  } catch (error) {
    if (!(error instanceof ProgramError)) throw error
    return error.kind === 'absent' ? { kind: 'absent' } : { kind: 'failed', why: error.message }
  }
}
