import type { Writable } from 'node:stream'
import type { Environment } from '../config/environment.ts'
import type { Emitter } from '../core/emitter.ts'
import type { LogFormat } from '../core/logger.ts'

/** A process's IPC channel to the parent that started it. */
export interface ParentChannel {
  /** Never throws, also when the parent has gone. */
  send(message: unknown): void
  onMessage(listener: (message: unknown) => void): void
}

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
  /** The command line that starts this program again. */
  readonly self: readonly string[]
  readonly logFormat: LogFormat
  /** There when this program started the process itself. */
  readonly parent?: ParentChannel
}
