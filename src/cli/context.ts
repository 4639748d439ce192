import type { Writable } from 'node:stream'
import type { Environment } from '../config/environment.ts'
import type { Emitter } from '../core/emitter.ts'
import type { LogFormat } from '../core/logger.ts'
import type { ParentChannel } from '../ipc/handover.ts'

/** The surroundings of a command: all that it may use of its process, so that tests can run it in theirs. */
export interface CliContext {
  /** The words after the program's name. */
  readonly argv: readonly string[]
  readonly env: Environment
  /** Results go here, `isTTY` when people read them. */
  readonly stdout: Writable & { readonly isTTY?: boolean }
  /** Errors and the log go here. */
  readonly stderr: Writable
  /** Aborts when the command shall end: on a signal, or when the parent that started it has gone. */
  readonly signal: AbortSignal
  /** Asked to end once more while it is ending. */
  readonly askedAgain: Emitter<void>
  /** From now on a hangup (SIGHUP) does not end the process, but asks for its configuration to be read again. */
  readonly acceptReloads: () => Emitter<void>
  /** The command line that starts this program again. */
  readonly self: readonly string[]
  readonly logFormat: LogFormat
  /** There when this program started the process itself. */
  readonly parent?: ParentChannel
}
