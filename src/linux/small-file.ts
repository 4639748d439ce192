import { constants, type Stats } from 'node:fs'
import { open } from 'node:fs/promises'
import { raceAbort } from '../core/deadline.ts'

/** How long a file system may take, in milliseconds: one of the network may hang for ever. */
const deadlineMilliseconds = 10_000

/**
 * The content of a file that a user names and that is expected to be small. Links are followed; what they lead to has to be a
 * regular file, as a pipe or a device would never end.
 * @param maxBytes the most that is read
 * @throws the system's error (`ENOENT`, `EACCES`), or an Error that says what is wrong with the file, without its path
 */
export async function readSmallFile(path: string, maxBytes: number): Promise<Buffer> {
  return await raceAbort(read(path, maxBytes), AbortSignal.timeout(deadlineMilliseconds))
}

/** The longest secret, in bytes. */
const maxSecretBytes = 4096

/**
 * The text of a file with a secret: like `readSmallFile`, and nobody but its owner may have a right on it, who is root or
 * this process's user.
 */
export async function readSecretFile(path: string): Promise<string> {
  const content = await raceAbort(read(path, maxSecretBytes, ownersAlone), AbortSignal.timeout(deadlineMilliseconds))
  const text = content.toString('utf8')
  if (text.trim() === '') throw new Error('it is empty')
  return text
}

function ownersAlone({ mode, uid }: Stats): void {
  if (uid !== 0 && uid !== process.getuid?.()) throw new Error('it is not of root')
  if ((mode & 0o077) !== 0) throw new Error('others than its owner may read it')
}

async function read(path: string, maxBytes: number, check?: (stats: Stats) => void): Promise<Buffer> {
  // Without O_NONBLOCK a named pipe would wait for its writer for ever.
  await using file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
  const stats = await file.stat()
  if (!stats.isFile()) throw new Error('it is not a regular file')
  check?.(stats)
  // A byte more than that shows a file that is larger, or grows meanwhile.
  const buffer = Buffer.alloc(maxBytes + 1)
  let length = 0
  for (;;) {
    const { bytesRead } = await file.read(buffer, length, buffer.length - length)
    length += bytesRead
    if (length > maxBytes) throw new Error(`it has more than ${maxBytes / 1024} KiB`)
    if (bytesRead === 0) return buffer.subarray(0, length)
  }
}
