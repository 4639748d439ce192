import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { setFlagsFromString } from 'node:v8'
import { messageOf } from '../../core/errors.ts'
import { DatabaseWatch } from './database-watch.ts'
import { type DriverVersion, loadDriver } from './mongo-driver.ts'
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
  dieFirst()
  let database: Promise<DatabaseWatch> | undefined
  const watch = async (uri: string, version: DriverVersion) => {
    const driver = await loadDriver(version)
    return new DatabaseWatch({ uri, driver, onWritable: () => channel.send({ type: 'writable' }) })
  }
  const configure = ({ databaseUri, driver }: Extract<ToChild, { type: 'configure' }>) => {
    if (databaseUri !== undefined) database = watch(databaseUri, driver)
    // Whoever asks for the database is told.
    database?.catch(() => undefined)
    channel.send({ type: 'ready' })
  }
  const answer = async (id: number, what: Question) => {
    try {
      if (what === 'sockets') channel.send({ type: 'sockets', id, ports: [...(await boundUdpPorts())] })
      else if (database === undefined) throw new Error('no database was configured for this probe')
      else channel.send({ type: 'database', id, report: await (await database).ask() })
    } catch (error) {
      channel.send({ type: 'failed', id, message: messageOf(error) })
    }
  }
  channel.onMessage((told) => {
    // The other end is this very program's.
    const message = told as ToChild
    if (message.type === 'configure') configure(message)
    else void answer(message.id, message.what)
  })
  if (!signal.aborted) await once(signal, 'abort')
  const opened = await database?.catch(() => undefined)
  await opened?.close()
}

/**
 * Makes this process the first to be killed when memory runs out: it holds nothing, and what it talks to may be hostile.
 * Everybody may raise that of their own (proc_pid_oom_score_adj(5)).
 */
function dieFirst(): void {
  try {
    writeFileSync('/proc/self/oom_score_adj', '1000')
  } catch {
    // Without /proc, which the UDP ports are read from as well, it is one of many.
  }
}
