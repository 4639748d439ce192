import { once } from 'node:events'
import { withDeadline } from '../../core/deadline.ts'
import { isAbort, messageOf } from '../../core/errors.ts'
import type { BroadcastNetwork } from '../../network/broadcast-networks.ts'
import { encodePeerMessage, parsePeerMessage } from '../../network/peer-message.ts'
import { UdpSocket } from '../../network/udp-socket.ts'
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

/** How long answers are waited for; they take a few milliseconds. */
const patienceMilliseconds = 2000
/** Answers that are kept. */
const maxAnswers = 64

/**
 * Asks a network once, by one broadcast from this machine's address there, which omada-hosts serve it; this machine's own
 * edge answers too. Rejects only with the signal's reason.
 */
export async function askPeers(network: BroadcastNetwork, signal: AbortSignal): Promise<Asked> {
  const answers: PeerAnswer[] = []
  const failed = new AbortController()
  let socket: UdpSocket | undefined
  try {
    socket = await UdpSocket.bind({
      address: network.address,
      port: 0,
      onDatagram: (payload, sender) => {
        const decoded = decodeFrame(payload)
        const message = decoded.framed ? parsePeerMessage(decoded.frame) : undefined
        if (message?.kind !== 'answer' || answers.length >= maxAnswers) return
        answers.push({ address: sender.address, port: sender.port, instance: message.instance })
      },
      onError: (error) => failed.abort(error),
    })
    signal.throwIfAborted()
    await socket.broadcast(encodePeerMessage({ kind: 'probe' }), discoveryPort, network.broadcast)
    const end = AbortSignal.any([failed.signal, withDeadline(patienceMilliseconds, signal)])
    if (!end.aborted) await once(end, 'abort')
    signal.throwIfAborted()
    return failed.signal.aborted ? { failed: messageOf(failed.signal.reason) } : { answers }
  } catch (error) {
    if (signal.aborted || isAbort(error)) throw error
    return { failed: messageOf(error) }
  } finally {
    await socket?.close()
  }
}
