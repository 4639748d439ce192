import { execFile } from 'node:child_process'
import { systemCode } from './errors.ts'
import { plainText } from './text.ts'

/** Most characters of a program's own words that are kept of one line. */
const maxLine = 1000

/** Why a program did not do its work. The message is one line, fit to show: `nft: Operation not permitted`. */
export class ProgramError extends Error {
  override readonly name = 'ProgramError'
  /** `absent`: it is not installed. `late`: it had to be killed at its deadline. `failed`: all else. */
  readonly kind: 'absent' | 'late' | 'failed'
  /** What it said on its standard error, fit to show: the lines that are not empty. */
  readonly lines: readonly string[]

  constructor(kind: ProgramError['kind'], message: string, lines: readonly string[] = []) {
    super(message)
    this.kind = kind
    this.lines = lines
  }
}

/**
 * The environment of a child: the variables of these names as this process has them, and `more`. Never the whole of our
 * own: OMADA_HOST_MONGO_URI may hold a password, and with NOTIFY_SOCKET a child speaks to systemd in our name.
 */
export function childEnvironment(
  names: readonly string[],
  more: Readonly<Record<string, string>> = {},
): Readonly<Record<string, string>> {
  const own = ['PATH', ...names].flatMap((name) => {
    const value = process.env[name]
    return value === undefined ? [] : [[name, value] as const]
  })
  return { ...Object.fromEntries(own), ...more }
}

/**
 * Runs a program to its end and gives what it wrote to its standard output. It speaks English (LC_ALL=C), is looked for in
 * /usr/sbin too, which a user's PATH may lack, and is killed at its deadline: run only what loses nothing by that.
 *
 * Node's own execFile under it has the deadline, the signal and the bound. execa and nano-spawn hand the whole environment
 * on unless told otherwise, tinyexec and nano-spawn do not bound the output, and execa brings twelve packages.
 * @param options.inherit the variables of our own environment that it may have, beside PATH
 * @throws ProgramError, or the signal's reason
 */
export function runProgram(
  argv: readonly [program: string, ...rest: string[]],
  options: {
    readonly deadlineMilliseconds: number
    readonly signal?: AbortSignal | undefined
    /** Longest output that is read. */
    readonly maxBytes?: number
    readonly inherit?: readonly string[]
  },
): Promise<Buffer> {
  const [program, ...rest] = argv
  const { deadlineMilliseconds, signal, maxBytes = 1024 * 1024 } = options
  const { PATH = '/usr/bin:/bin', ...environment } = childEnvironment(options.inherit ?? [], { LC_ALL: 'C' })
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted()
    execFile(
      program,
      rest,
      {
        encoding: 'buffer',
        env: { ...environment, PATH: `${PATH}:/usr/sbin:/sbin` },
        maxBuffer: maxBytes,
        timeout: deadlineMilliseconds,
        killSignal: 'SIGKILL',
        signal,
      },
      (error, stdout, stderr) => {
        if (error === null) resolve(stdout)
        else if (signal?.aborted === true) reject(signal.reason as Error)
        else reject(programError(program, error, linesOf(stderr), { deadlineMilliseconds, maxBytes }))
      },
    )
  })
}

function programError(
  program: string,
  error: Error & { code?: unknown; killed?: boolean; signal?: unknown },
  lines: readonly string[],
  { deadlineMilliseconds, maxBytes }: { deadlineMilliseconds: number; maxBytes: number },
): ProgramError {
  const code = systemCode(error)
  if (code === 'ENOENT') return new ProgramError('absent', `${program} is not installed`)
  if (code === 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER') {
    return new ProgramError('failed', `${program} says more than the ${maxBytes} bytes that are read`, lines)
  }
  if (error.killed === true) {
    return new ProgramError('late', `${program} did not end within ${deadlineMilliseconds / 1000} s`, lines)
  }
  const end = error.signal === undefined || error.signal === null ? `exit code ${error.code}` : `${error.signal}`
  return new ProgramError('failed', `${program}: ${lines[0] ?? code ?? end}`, lines)
}

function linesOf(output: Buffer): readonly string[] {
  return output
    .toString('utf8')
    .split('\n')
    .map((line) => plainText(line, maxLine).trim())
    .filter((line) => line !== '')
}
