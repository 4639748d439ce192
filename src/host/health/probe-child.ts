import { once } from 'node:events'
import { setFlagsFromString } from 'node:v8'
import { messageOf } from '../../core/errors.ts'
import { DatabaseWatch } from './database-watch.ts'
import type { FromChild, Question, ToChild } from './probe-messages.ts'
import { boundUdpPorts } from './udp-table.ts'

/** The child's end of its IPC channel, whose other end is the host that started it. */
export interface ProbeChannel {
  /** Must not throw when the host has gone. */
  send(message: FromChild): void
  onMessage(listener: (message: unknown) => void): void
}

/**
 * The probe child: a process of its own, entered into the container's network namespace, that looks at what can be
 * seen from in there only. Answers questions until `signal` aborts, which the process's edge does when the IPC channel
 * closes: a child must not outlive its host, nor stay behind in a namespace that is gone.
 */
export async function runProbeChild({
  signal,
  channel,
}: {
  signal: AbortSignal
  channel: ProbeChannel
}): Promise<void> {
  // A few questions a minute need no optimized code, which over days takes up to 25 MB (measured over 12,000 questions).
  setFlagsFromString('--no-opt')
  setFlagsFromString('--no-maglev')
  let database: DatabaseWatch | undefined
  let refusal = 'no database was configured for this probe'
  const configure = (uri: string | undefined) => {
    try {
      if (uri !== undefined) database = new DatabaseWatch({ uri, onWritable: () => channel.send({ type: 'writable' }) })
    } catch (error) {
      refusal = messageOf(error)
    }
    channel.send({ type: 'ready' })
  }
  const answer = async (id: number, what: Question) => {
    try {
      if (what === 'sockets') channel.send({ type: 'sockets', id, ports: [...(await boundUdpPorts())] })
      else if (database === undefined) throw new Error(refusal)
      else channel.send({ type: 'database', id, report: await database.ask() })
    } catch (error) {
      channel.send({ type: 'failed', id, message: messageOf(error) })
    }
  }
  channel.onMessage((told) => {
    // The other end is this very program's.
    const message = told as ToChild
    if (message.type === 'configure') configure(message.databaseUri)
    else void answer(message.id, message.what)
  })
  if (!signal.aborted) await once(signal, 'abort')
  await database?.close()
}
