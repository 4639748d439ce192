import { createReadStream } from 'node:fs'
import { systemCode } from '../core/errors.ts'
import { parseSocketTable, socketStates } from './socket-table.ts'

/** Most that is read of a table, in bytes: some 40,000 sockets. Whoever has more tells nothing. */
const maxBytes = 6 * 1024 * 1024

/**
 * Whether a TCP socket listens on this port in the network namespace of a process.
 * @returns undefined where that cannot be told: the process is gone, or has too many sockets
 * @throws the signal's reason
 */
export async function listensIn(pid: number, port: number, signal: AbortSignal): Promise<boolean | undefined> {
  for (const file of ['tcp', 'tcp6']) {
    const text = await readTable(`/proc/${pid}/net/${file}`, signal)
    if (text === undefined) return undefined
    const rows = parseSocketTable(text)
    if (rows.some(({ localPort, state }) => localPort === port && state === socketStates.listening)) return true
  }
  return false
}

async function readTable(path: string, signal: AbortSignal): Promise<string | undefined> {
  const chunks: Buffer[] = []
  let length = 0
  try {
    for await (const chunk of createReadStream(path, { signal }) as AsyncIterable<Buffer>) {
      chunks.push(chunk)
      length += chunk.length
      if (length > maxBytes) return undefined
    }
    return Buffer.concat(chunks).toString('latin1')
  } catch (error) {
    signal.throwIfAborted()
    // There is no tcp6 where the kernel runs without IPv6.
    return systemCode(error) === 'ENOENT' && path.endsWith('6') ? '' : undefined
  }
}
