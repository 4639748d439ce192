import { Writable } from 'node:stream'
import type { CliContext } from '../../src/cli/context.ts'
import { runCli } from '../../src/cli/program.ts'
import { Emitter } from '../../src/core/emitter.ts'

/** A stream that keeps what is written to it. */
export class Kept extends Writable {
  text = ''
  readonly isTTY = false

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString()
    done()
  }
}

export interface Surroundings {
  readonly context: CliContext
  readonly stdout: Kept
  readonly stderr: Kept
  readonly ending: AbortController
  readonly askedAgain: Emitter<void>
}

/** Surroundings for a command that runs inside the test's process. */
export function surroundings(argv: readonly string[], more: Partial<CliContext> = {}): Surroundings {
  const stdout = new Kept()
  const stderr = new Kept()
  const ending = new AbortController()
  const askedAgain = new Emitter<void>()
  const context: CliContext = {
    argv,
    env: {},
    stdout,
    stderr,
    signal: ending.signal,
    askedAgain,
    self: ['omada-host'],
    logFormat: 'human',
    ...more,
  }
  return { context, stdout, stderr, ending, askedAgain }
}

/** Runs a command to its end. */
export async function run(
  argv: readonly string[],
  more: Partial<CliContext> = {},
): Promise<{ code: number; out: string; err: string }> {
  const { context, stdout, stderr } = surroundings(argv, more)
  const code = await runCli(context)
  return { code, out: stdout.text, err: stderr.text }
}
