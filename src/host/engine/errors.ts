import { ApplianceError, type Fault, isAbort, messageOf, systemCode } from '../../core/errors.ts'
import { plainText } from '../../core/text.ts'
import type { EngineKind } from './engine.ts'

const connectionLost = new Set(['ECONNRESET', 'EPIPE', 'ECONNABORTED', 'ERR_STREAM_PREMATURE_CLOSE', 'ETIMEDOUT'])
const absent = new Set(['ENOENT', 'ECONNREFUSED', 'ENOTSOCK'])

/** The HTTP status of an engine's answer as dockerode reports it, or undefined. */
export function statusOf(error: unknown): number | undefined {
  const status = error instanceof Error && 'statusCode' in error ? error.statusCode : undefined
  return typeof status === 'number' ? status : undefined
}

/** Whether the engine says that there is no such thing. Podman answers 500 for a container that is just being removed. */
export function isAbsent(error: unknown): boolean {
  const status = statusOf(error)
  return status === 404 || (status !== undefined && /: no such container\b/.test(messageOf(error)))
}

/** What the engine answered, without dockerode's decoration, fit to be shown. */
export function engineMessage(error: unknown): string {
  return plainText(messageOf(error).replace(/^\(HTTP code \d+\) .*? - /, ''), 600).trim()
}

/**
 * The error for a caller whose engine call `what` (such as `start the container`) failed. Never call it for an abort.
 * @param kind whose commands are named in remedies
 */
export function engineError(error: unknown, what: string, socket: string, kind: EngineKind = 'podman'): ApplianceError {
  if (error instanceof ApplianceError) return error
  const fault = statusOf(error) === undefined ? connectionFault(error, socket) : refusal(engineMessage(error), kind)
  return new ApplianceError({ ...fault, message: `cannot ${what}: ${fault.message}` }, { cause: error })
}

/** The error of a call that outlived its deadline. */
export function engineTimeout(what: string, socket: string, milliseconds: number): ApplianceError {
  return new ApplianceError({
    code: 'ENGINE_TIMEOUT',
    message: `cannot ${what}: the container engine on ${socket} did not answer within ${Math.round(milliseconds / 1000)} s`,
    remedy: 'see whether the machine is overloaded and what the engine logs: journalctl -u podman -u docker',
  })
}

/** What kept the engine's answer away; the message goes on after `cannot …: `. */
function connectionFault(error: unknown, socket: string): Fault {
  const code = systemCode(error) ?? ''
  if (code === 'EACCES' || code === 'EPERM') {
    return {
      code: 'ENGINE_PERMISSION',
      message: `this user may not use the container engine's socket ${socket} (${code})`,
      remedy: 'run omada-host as root',
    }
  }
  const failed = connectionLost.has(code) || isAbort(error) ? 'was lost' : `failed (${engineMessage(error)})`
  return {
    code: 'ENGINE_UNREACHABLE',
    message: absent.has(code)
      ? `no container engine answers on ${socket} (${code})`
      : `the connection to the container engine on ${socket} ${failed}`,
    remedy: 'start it: systemctl start podman.socket (or docker), or set engine.socket',
  }
}

/** What an engine means that refuses with this message; the fault's goes on after `cannot …: `. */
function refusal(message: string, kind: EngineKind): Fault {
  if (/no space left on device/i.test(message)) {
    return {
      code: 'DISK_FULL',
      message: `the disk is full (${message})`,
      remedy: `free space where the engine stores its data: ${kind} system df, ${kind} image prune`,
    }
  }
  if (/OCI runtime|\b(?:crun|runc|youki): /i.test(message)) {
    return {
      code: 'ENGINE_RUNTIME',
      message: `the OCI runtime failed: ${message}`,
      remedy:
        'install another runtime (apt-get install runc) and choose it: runtime = "runc" under [engine] in /etc/containers/containers.conf for Podman, engine.runtime for Docker',
    }
  }
  return {
    code: 'ENGINE_REQUEST',
    message: `the container engine refused: ${message}`,
    remedy: 'see what the engine logs: journalctl -u podman -u docker',
  }
}
