import { messageOf } from '../../core/errors.ts'
import { type HttpsAnswer, requestOfController } from '../../network/https-request.ts'
import { type ControllerInfo, infoPaths, parseInfo } from '../../omada/info-api.ts'
import type { ProbeResult } from './schedule.ts'

/**
 * Asks the controller's info API whether it works, and which version and id it has. What the first path does not tell
 * of those is taken from the other one, whose word on health counts only where the first does not exist.
 */
export async function probeInfo(host: string, port: number, signal: AbortSignal): Promise<ProbeResult> {
  const ask = (path: string) => requestOfController({ host, port, path }, signal)
  try {
    const current = parseInfo((await ask(infoPaths.current)).body)
    if (current !== undefined && current.errorCode !== 0) return refused(infoPaths.current, current.errorCode)
    if (current?.version !== undefined && current.omadacId !== undefined) return working(current)
    if (current !== undefined) return working({ ...(await identity(ask)), ...current })
    const answer = await ask(infoPaths.legacy)
    const legacy = parseInfo(answer.body)
    if (legacy === undefined) {
      const told = answer.status === 200 ? 'something else than JSON on it' : `HTTP ${answer.status}`
      return { ok: false, message: `the info API does not answer (${told})` }
    }
    return legacy.errorCode === 0 ? working(legacy) : refused(infoPaths.legacy, legacy.errorCode)
  } catch (error) {
    return { ok: false, message: messageOf(error) }
  }
}

/** Version and id from the old path; a failure there says nothing when the new path said that all is well. */
async function identity(ask: (path: string) => Promise<HttpsAnswer>): Promise<ControllerInfo | undefined> {
  try {
    return parseInfo((await ask(infoPaths.legacy)).body)
  } catch {
    return undefined
  }
}

function refused(path: string, errorCode: number): ProbeResult {
  return { ok: false, message: `${path} says error code ${errorCode}` }
}

function working(controller: ControllerInfo): ProbeResult {
  return { ok: true, controller, ...(controller.version === undefined ? {} : { detail: controller.version }) }
}
