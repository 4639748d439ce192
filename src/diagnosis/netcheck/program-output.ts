import { execFile } from 'node:child_process'
import { systemCode } from '../../core/errors.ts'

/** What a program of this machine said. `absent`: it is not installed. */
export type ProgramOutput =
  | { readonly kind: 'absent' }
  | { readonly kind: 'failed'; readonly why: string }
  | { readonly kind: 'said'; readonly text: string }

/** How long a program may take, in milliseconds. */
const deadline = 10_000
/** Rules of a machine with many containers take some hundred kilobytes. */
const maxOutput = 16 * 1024 * 1024

/**
 * Runs a program to its end, in the language C. It looks in /usr/sbin too, which a user's PATH may lack.
 * Rejects only with the signal's reason.
 */
export function programOutput(argv: readonly [string, ...string[]], signal: AbortSignal): Promise<ProgramOutput> {
  const [file, ...rest] = argv
  const env = { ...process.env, LC_ALL: 'C', PATH: `${process.env.PATH ?? '/usr/bin:/bin'}:/usr/sbin:/sbin` }
  return new Promise((resolve, reject) => {
    execFile(
      file,
      rest,
      { encoding: 'utf8', env, maxBuffer: maxOutput, timeout: deadline, killSignal: 'SIGKILL', signal },
      (error, stdout, stderr) => {
        if (signal.aborted) return reject(signal.reason as Error)
        if (error === null) return resolve({ kind: 'said', text: stdout })
        if (systemCode(error) === 'ENOENT') return resolve({ kind: 'absent' })
        const said = stderr.trim().split('\n')[0] ?? ''
        const why = error.killed === true ? 'it does not end' : said === '' ? `it ends with ${error.code}` : said
        resolve({ kind: 'failed', why: `${argv.join(' ')}: ${why}` })
      },
    )
  })
}
