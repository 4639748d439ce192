import { constants } from 'node:fs'
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

async function read(path: string, maxBytes: number): Promise<Buffer> {
  // Without O_NONBLOCK a named pipe would wait for its writer for ever.
  await using file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
  if (!(await file.stat()).isFile()) throw new Error('it is not a regular file')
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
