import { fstatSync } from 'node:fs'
import { inspect } from 'node:util'
import type { CliContext, ParentChannel } from './cli/context.ts'
import { runCli } from './cli/program.ts'
import { Emitter } from './core/emitter.ts'
import { systemCode } from './core/errors.ts'
import { plainLines } from './core/text.ts'

// The process's edge: what the operating system hands in becomes a CliContext, and what the command resolves with
// becomes the exit code. Nothing ends the process by force: whatever is still open is still needed, or a defect to see.

const ending = new AbortController()
const askedAgain = new Emitter<void>()

function onSignal(): void {
  if (ending.signal.aborted) askedAgain.emit()
  else ending.abort()
}

function onDefect(error: unknown): void {
  process.stderr.write(plainLines(`error [INTERNAL] a defect in omada-host; it ends in order: ${inspect(error)}\n`))
  process.exitCode = 1
  ending.abort()
}

/** True when systemd's journal reads stderr (systemd.exec(5), JOURNAL_STREAM: device and inode). */
function journalReadsStderr(): boolean {
  const { dev, ino } = fstatSync(2)
  return process.env.JOURNAL_STREAM === `${dev}:${ino}`
}

function parentChannel(): ParentChannel | undefined {
  if (!process.connected) return undefined
  process.on('disconnect', () => ending.abort())
  return {
    send: (message) => {
      if (process.connected) process.send?.(message, undefined, undefined, () => {})
    },
    onMessage: (listener) => void process.on('message', listener),
  }
}

process.on('SIGINT', onSignal)
process.on('SIGTERM', onSignal)
process.on('uncaughtException', onDefect)
process.on('unhandledRejection', onDefect)
process.stdout.on('error', (error) => {
  // Whoever read our output has enough of it: `omada-host logs | head`.
  if (systemCode(error) === 'EPIPE') ending.abort()
  else onDefect(error)
})
// A log that nobody reads is no reason to end.
process.stderr.on('error', () => {})

/**
 * What this process was started with. Our own variables, of which one may hold a database's password, stay in the copy
 * alone, so that no child inherits them, not even one that a library starts.
 */
function takeEnvironment(): CliContext['env'] {
  const env = { ...process.env }
  for (const name of Object.keys(env)) if (name.startsWith('OMADA_HOST_')) delete process.env[name]
  return env
}

const parent = parentChannel()
const context: CliContext = {
  argv: process.argv.slice(2),
  env: takeEnvironment(),
  stdout: process.stdout,
  stderr: process.stderr,
  signal: ending.signal,
  askedAgain,
  self: [process.execPath, ...process.execArgv, process.argv[1] ?? ''],
  logFormat: journalReadsStderr() ? 'journal' : 'human',
  ...(parent === undefined ? {} : { parent }),
}

const exitCode = await runCli(context)
process.exitCode = process.exitCode ?? exitCode
if (process.connected) process.disconnect()
