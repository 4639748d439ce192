import { randomBytes } from 'node:crypto'
import { chmod, open, rename, rm, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'

/**
 * Writes a file so that after a crash or a full disk it holds either the old text or the new one, never half.
 * `mode` is the file's, whatever the process's umask.
 * @throws the system's error (`ENOSPC`, `EACCES`); the old file is then untouched and no temporary file is left
 */
export async function writeFileAtomic(path: string, data: string | Uint8Array, mode = 0o600): Promise<void> {
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`
  try {
    await writeFile(temporary, data, { flag: 'wx', mode, flush: true })
    await chmod(temporary, mode)
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
  await using directory = await open(dirname(path), 'r')
  await directory.sync()
}
