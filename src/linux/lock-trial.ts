import { raceAbort, withDeadline } from '../core/deadline.ts'
import { ProgramError, runProgram } from '../core/run-program.ts'

/** How long it may take, in milliseconds: a server of files may be asked. */
const deadlineMilliseconds = 10_000

/** ENOLCK, EOPNOTSUPP and ENOSYS of flock(2), as it says them: what a file system answers that has no locks. */
const noLocks = /no locks available|operation not supported|function not implemented/i

/**
 * Tries whether a file can be locked, by a shared lock, which nobody else is kept from and which needs no right but to read
 * it. NFS asks its server for it as for fcntl(2)'s locks, which databases take; a directory's lock it would not ask for.
 * @param file a regular file
 * @returns why not, in the kernel's words; undefined where they can, or where this process cannot tell
 * @throws the signal's reason
 */
export async function whyNoLocks(file: string, signal: AbortSignal): Promise<string | undefined> {
  const argv = ['flock', '--shared', '--nonblock', file, 'true'] as const
  try {
    // A server that is gone holds even a process that was killed.
    await raceAbort(runProgram(argv, { deadlineMilliseconds, signal }), withDeadline(deadlineMilliseconds, signal))
    return undefined
  } catch (error) {
    signal.throwIfAborted()
    if (!(error instanceof ProgramError) || !noLocks.test(error.message)) return undefined
    return noLocks.exec(error.message)?.[0]
  }
}
