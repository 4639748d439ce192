import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { isAbort, messageOf } from '../../core/errors.ts'
import type { BroadcastNetwork } from '../../network/broadcast-networks.ts'
import { encodePeerMessage, parsePeerMessage } from '../../network/peer-message.ts'
import { decodeFrame } from '../../omada/frame.ts'
import { discoveryPort } from '../../omada/ports.ts'

/** An edge that answered, and the address and port that its answer came from. */
export interface PeerAnswer {
  readonly address: string
  readonly port: number
  readonly instance: string
}

/** What one question to one network brought. `failed`: it could not be asked. */
export type Asked = { readonly answers: readonly PeerAnswer[] } | { readonly failed: string }

/** How long answers are waited for, in milliseconds; they take a few. */
const patience = 2000
/** Answers that are kept. */
const maxAnswers = 64

/**
 * Asks a network once, by one broadcast from this machine's address there, which omada-hosts serve it; this machine's own
 * edge answers too. Rejects only with the signal's reason.
 */
export async function askPeers(network: BroadcastNetwork, signal: AbortSignal): Promise<Asked> {
  const socket = createSocket('udp4')
  const answers: PeerAnswer[] = []
  const failed = new AbortController()
  socket.on('error', (error) => failed.abort(error))
  socket.on('message', (payload, sender) => {
    const decoded = decodeFrame(payload)
    const message = decoded.framed ? parsePeerMessage(decoded.frame) : undefined
    if (message?.kind !== 'answer' || answers.length >= maxAnswers) return
    answers.push({ address: sender.address, port: sender.port, instance: message.instance })
  })
  try {
    socket.bind(0, network.address)
    await once(socket, 'listening', { signal })
    socket.setBroadcast(true)
    await new Promise<void>((resolve, reject) => {
      socket.send(encodePeerMessage({ kind: 'probe' }), discoveryPort, network.broadcast, (error) =>
        error === null ? resolve() : reject(error),
      )
    })
    const timeout = AbortSignal.timeout(patience)
    const end = AbortSignal.any([signal, failed.signal, timeout])
    if (!end.aborted) await once(end, 'abort')
    signal.throwIfAborted()
    return failed.signal.aborted ? { failed: messageOf(failed.signal.reason) } : { answers }
  } catch (error) {
    if (signal.aborted || isAbort(error)) throw error
    return { failed: messageOf(error) }
  } finally {
    socket.close()
  }
}
