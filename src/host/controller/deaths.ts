import { backoffDelay } from '../../core/backoff.ts'
import type { Fault, Reason } from '../../core/errors.ts'
import { findDatabaseDeath } from '../../omada/database-deaths.ts'
import { cleanExitCode } from '../../omada/image-contract.ts'
import { findRefusal, tellsOutOfMemory } from '../../omada/refusals.ts'
import type { EngineContainer } from '../engine/engine.ts'

/** How a container ended, and its log since its last start. */
export interface Death extends Pick<EngineContainer, 'exitCode' | 'outOfMemory'> {
  /** Last lines, oldest first. */
  readonly log: readonly string[]
  /** The engine was seen to send it a signal for somebody else. Podman tells of `podman kill`, not of `podman stop`. */
  readonly signalled: boolean
}

/** The deaths so far. */
export interface Deaths {
  /** When, in monotonic milliseconds; those within the window of a crash loop. */
  readonly times: readonly number[]
  /** How many there were since the controller last was ready: each makes the wait before the next start longer. */
  readonly inRow: number
}

export const noDeaths: Deaths = { times: [], inRow: 0 }

/** `refused` and `loop` are for the user to solve; otherwise the container starts again after a while. */
export type Verdict =
  | { readonly kind: 'restart'; readonly restartInMilliseconds: number; readonly reason: Reason }
  | { readonly kind: 'refused' | 'loop'; readonly reason: Fault }

/** This many deaths within the window are a crash loop. */
export const crashLoop = { deaths: 5, windowMilliseconds: 600_000 } as const

/** 128 + SIGKILL. */
const killed = 137

/**
 * Judges a death that followed `before`: how long to wait before the next start, or that there is to be none. `now` is
 * monotonic milliseconds; `wasReady` whether the controller had been ready since its start.
 */
export function judgeDeath(
  death: Death,
  before: Deaths,
  { now, wasReady, random = Math.random }: { now: number; wasReady: boolean; random?: () => number },
): { readonly verdict: Verdict; readonly deaths: Deaths } {
  const refusal = death.exitCode === 1 ? findRefusal(death.log) : undefined
  if (refusal !== undefined) return { verdict: { kind: 'refused', reason: refusal }, deaths: before }
  const inRow = wasReady ? 0 : before.inRow
  const times = [...before.times.filter((time) => now - time < crashLoop.windowMilliseconds), now]
  const reason = describe(death)
  if (times.length < crashLoop.deaths) {
    const restartInMilliseconds = backoffDelay(inRow, { initialMilliseconds: 1000, maxMilliseconds: 60_000, random })
    return { verdict: { kind: 'restart', restartInMilliseconds, reason }, deaths: { times, inRow: inRow + 1 } }
  }
  const minutes = crashLoop.windowMilliseconds / 60_000
  const loop: Fault = {
    code: reason.code ?? 'CONTROLLER_CRASH_LOOP',
    message: `the controller died ${times.length} times within ${minutes} minutes; at last: ${reason.message}`,
    remedy: reason.remedy ?? 'see why in its log (omada-host logs), then: omada-host start',
  }
  return { verdict: { kind: 'loop', reason: loop }, deaths: { times, inRow } }
}

function describe({ exitCode, outOfMemory, log, signalled }: Death): Reason {
  if (signalled && exitCode === killed && !outOfMemory) {
    return {
      message:
        'the controller was stopped by somebody else, who did not wait for it: it was killed (exit code 137), which can damage its database',
      remedy: 'stop it by omada-host stop, which waits, and keep other programs from its container',
    }
  }
  const causes = [
    tellsOutOfMemory(log) && 'its java heap is exhausted',
    outOfMemory && 'it reached its memory limit and was killed',
    exitCode === killed &&
      'it was killed (exit code 137), most often for lack of memory, or by somebody else who stopped it and did not wait',
  ]
  const cause = causes.find((applies) => applies !== false)
  if (cause !== undefined) {
    return {
      code: 'CONTROLLER_OUT_OF_MEMORY',
      message: `the controller died: ${cause}`,
      remedy: 'give the machine more memory, or set controller.memory by hand; an -openj9 image tag needs less',
    }
  }
  if (exitCode === cleanExitCode) {
    return { message: `the controller was stopped by somebody else (exit code ${cleanExitCode})` }
  }
  const ofDatabase = findDatabaseDeath(log)
  if (ofDatabase !== undefined) return { ...ofDatabase, message: `the controller died: ${ofDatabase.message}` }
  return { message: `the controller died with exit code ${exitCode}` }
}
