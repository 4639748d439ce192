import { readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'

/** A process by its id and the kernel's start time of it (clock ticks since boot): an id alone is used again. */
export interface ProcessMark {
  readonly pid: number
  readonly startTicks: string
}

/** Undefined when there is no such process (any more). */
export function processMark(pid: number): ProcessMark | undefined {
  const startTicks = startTicksOf(pid)
  return startTicks === undefined ? undefined : { pid, startTicks }
}

/** True while that very process lives; a zombie does not. */
export function isSameProcess(mark: ProcessMark): boolean {
  return startTicksOf(mark.pid) === mark.startTicks
}

/** SIGTERM, then SIGKILL after the grace period; returns when the process is gone. Nothing happens when it already is. */
export async function endProcess(mark: ProcessMark, graceMilliseconds: number): Promise<void> {
  if (!isSameProcess(mark)) return
  signalProcess(mark.pid, 'SIGTERM')
  if (await gone(mark, graceMilliseconds)) return
  signalProcess(mark.pid, 'SIGKILL')
  if (!(await gone(mark, 10_000))) throw new Error(`process ${mark.pid} does not end, not even by SIGKILL`)
}

/** Sends a signal; a process that is gone already is no error. */
export function signalProcess(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
  }
}

async function gone(mark: ProcessMark, milliseconds: number): Promise<boolean> {
  const end = performance.now() + milliseconds
  while (isSameProcess(mark)) {
    if (performance.now() > end) return false
    await delay(20)
  }
  return true
}

function startTicksOf(pid: number): string | undefined {
  try {
    // proc(5): the name, in parentheses, may hold anything; state and start time are the 1st and 20th field after it.
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ')
    return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19]
  } catch {
    return undefined
  }
}
