import { type Clock, isoTime } from '../../core/clock.ts'
import { cleanExitCode } from '../../omada/image-contract.ts'
import type { EngineContainer } from '../engine/engine.ts'
import { lingerMilliseconds } from './lingering.ts'
import type { ApplianceRecord } from './record.ts'

/** 128 + SIGKILL: what the engine sends when the grace is over. */
const killedExitCode = 137
/** What a controller, and an init before it, ends with when it was asked to: SIGTERM, SIGINT or nothing special. */
const orderly = new Set([0, 130, cleanExitCode])

/** What came of a stop, for people, and what must not be forgotten of it. */
export interface StopOutcome {
  readonly message: string
  readonly killed?: ApplianceRecord['killed']
}

/**
 * Judges a stop of ours by how the container ended and by whether its database was closed, which outlives the exit code:
 * 6.3 was seen to close it and to linger until it is killed (thread #807 of the image's repository). Pure.
 * @param lock of the database in the container's data; `unknown` where it could not be read, `none` where there is none
 * @param how.lingered it was ended by us, as its database was closed and Java went on
 */
export function judgeStop(
  { exitCode, outOfMemory }: Pick<EngineContainer, 'exitCode' | 'outOfMemory'>,
  lock: 'open' | 'closed' | 'none' | 'unknown',
  { graceSeconds, clock, lingered = false }: { graceSeconds: number; clock: Clock; lingered?: boolean },
): StopOutcome {
  if (lingered && lock === 'closed') {
    const seconds = lingerMilliseconds / 1000
    return {
      message: `stopped the controller: its database was closed, and Java, which went on for ${seconds} s all the same, was ended; nothing was lost`,
    }
  }
  const inOrder = orderly.has(exitCode) && !outOfMemory
  const how = outOfMemory
    ? `ran out of memory while it stopped (exit code ${exitCode})`
    : exitCode === killedExitCode
      ? `was killed (exit code ${exitCode}), as it had not ended within its ${graceSeconds} s`
      : `ended with exit code ${exitCode}`
  if (lock === 'closed' || lock === 'none') {
    if (inOrder) return { message: 'stopped the controller' }
    return { message: `stopped the controller: it ${how}${lock === 'closed' ? ', after its database was closed' : ''}` }
  }
  if (lock === 'unknown' && inOrder) return { message: 'stopped the controller' }
  const database =
    lock === 'open' ? 'its database was open, and may be damaged' : 'whether its database was closed is not known'
  return {
    message: `the controller ${how}; ${database}`,
    killed: {
      message: `at ${isoTime(clock)} the controller ${how}; ${database}`,
      remedy: `look whether its sites and devices are all there and its log has no errors of the database (omada-host logs), and take a backup in its settings; ${exitCode === killedExitCode && !outOfMemory ? `give it longer: controller.stopGraceSeconds, now ${graceSeconds}; ` : ''}then: omada-host acknowledge CONTROLLER_KILLED`,
    },
  }
}
