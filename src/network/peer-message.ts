import { encodeFrame, type Frame, ownValue } from '../omada/frame.ts'

/**
 * What one omada-host says to another over UDP 29810, in the frame that everybody there speaks:
 *
 * - `probe`: is another one here? With `instance` it comes from an edge, without one from somebody who only asks
 * - `answer`: yes, this instance; never answered itself, so that no two can keep each other busy
 * - `leave`: this instance ends in order; nobody needs to be warned of it any more
 * - `unknown`: of a later version
 *
 * A header without `type` means nothing to a controller or a device, and an edge relays none of these.
 */
export type PeerMessage =
  | { readonly kind: 'probe'; readonly instance?: string }
  | { readonly kind: 'answer' | 'leave'; readonly instance: string }
  | { readonly kind: 'unknown' }

/** The key of the header that makes a frame one of ours. */
const key = 'omadaHost'
/** An instance is a UUID: new for every start of an edge. */
const instancePattern = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

export function encodePeerMessage(message: Exclude<PeerMessage, { kind: 'unknown' }>): Buffer {
  const { kind, instance } = message
  return encodeFrame(JSON.stringify({ header: { [key]: kind, ...(instance === undefined ? {} : { instance }) } }))
}

/** Undefined when the frame is a device's, an app's or a controller's. */
export function parsePeerMessage(frame: Frame): PeerMessage | undefined {
  const kind = ownValue(frame.header, key)
  if (kind === undefined) return undefined
  const named = ownValue(frame.header, 'instance')
  const instance = typeof named === 'string' && instancePattern.test(named) ? named : undefined
  if (kind === 'probe' && (named === undefined || instance !== undefined)) {
    return { kind, ...(instance === undefined ? {} : { instance }) }
  }
  return (kind === 'answer' || kind === 'leave') && instance !== undefined ? { kind, instance } : { kind: 'unknown' }
}
