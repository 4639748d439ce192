import { execFile } from 'node:child_process'

export interface CommandOptions {
  readonly environment?: NodeJS.ProcessEnv
  readonly signal?: AbortSignal
  /** Default one minute. */
  readonly timeoutMilliseconds?: number
}

/**
 * Runs a command to its end and returns what it printed on stdout, without the last line break.
 * @throws Error with the command line and what it printed on stderr, when it fails or takes too long
 */
export function command(argv: readonly string[], options: CommandOptions = {}): Promise<string> {
  const [file = '', ...rest] = argv
  const { environment, signal, timeoutMilliseconds = 60_000 } = options
  return new Promise((resolve, reject) => {
    execFile(
      file,
      rest,
      {
        encoding: 'utf8',
        maxBuffer: 64 * 1024 * 1024,
        timeout: timeoutMilliseconds,
        ...(environment === undefined ? {} : { env: { ...process.env, ...environment } }),
        ...(signal === undefined ? {} : { signal }),
      },
      (error, stdout, stderr) => {
        if (error === null) return resolve(stdout.replace(/\n$/, ''))
        const said = `${stdout}\n${stderr}`.trim().slice(-2000)
        const why = error.killed === true ? `took longer than ${timeoutMilliseconds} ms` : error.message.split('\n')[0]
        reject(new Error(`${argv.join(' ')}: ${why}${said === '' ? '' : `\n${said}`}`, { cause: error }))
      },
    )
  })
}
