import { once } from 'node:events'
import { chmod, chown, lstat, mkdir, mkdtempDisposable, rename, unlink } from 'node:fs/promises'
import { connect } from 'node:net'
import { dirname, join } from 'node:path'
import { ApplianceError, messageOf, systemCode } from '../core/errors.ts'

/** sun_path of unix(7) holds 108 bytes with the terminating zero. */
const longestPath = 107
/** How long an owner of the socket may take to accept. */
const acceptMilliseconds = 2000

/** Where a socket is published and who may open it. */
export interface SocketPlace {
  readonly path: string
  /** Permission bits, such as 0o660. */
  readonly mode: number
  /** Group that owns the socket file; this process's own when absent. */
  readonly group?: number | undefined
}

/**
 * Publishes a unix socket without a moment in which its permissions are wrong or a stale file is gone but not replaced:
 * `listen` binds below a private directory, and the file is moved into its place when it is as it should be.
 * Returns the function that removes the file, if it is still ours.
 * @throws ApplianceError APPLIANCE_RUNNING when somebody answers at the path, SOCKET_FAILED when it cannot be made
 */
export async function publishSocket(place: SocketPlace, listen: (path: string) => Promise<unknown>) {
  await refuseIfTaken(place.path)
  try {
    await mkdir(dirname(place.path), { recursive: true, mode: 0o755 })
    await using directory = await mkdtempDisposable(join(dirname(place.path), '.new-'))
    const temporary = join(directory.path, 's')
    if (Buffer.byteLength(temporary) > longestPath) {
      throw new Error(`the path may have ${longestPath - '.new-123456/s'.length} bytes at most`)
    }
    await listen(temporary)
    if (place.group !== undefined) await chown(temporary, process.getuid?.() ?? 0, place.group)
    await chmod(temporary, place.mode)
    const { dev, ino } = await lstat(temporary)
    await rename(temporary, place.path)
    return async () => {
      const now = await lstat(place.path).catch(() => undefined)
      if (now?.dev === dev && now.ino === ino) await unlink(place.path)
    }
  } catch (error) {
    throw new ApplianceError(
      {
        code: 'SOCKET_FAILED',
        message: `the socket "${place.path}" cannot be made: ${messageOf(error)}`,
        remedy: `check that this user may write to ${dirname(place.path)}`,
      },
      { cause: error },
    )
  }
}

/** A socket file that nobody answers on is stale and may be replaced; anything else may not. */
async function refuseIfTaken(path: string): Promise<void> {
  const found = await lstat(path).catch(() => undefined)
  if (found === undefined) return
  if (!found.isSocket()) {
    throw new ApplianceError({
      code: 'SOCKET_FAILED',
      message: `"${path}" exists and is not a socket`,
      remedy: `move ${path} away`,
    })
  }
  if (!(await answers(path))) return
  throw new ApplianceError({
    code: 'APPLIANCE_RUNNING',
    message: `another omada-host answers on "${path}"`,
    remedy: 'stop it first (systemctl stop omada-host, or end the other "omada-host run")',
  })
}

async function answers(path: string): Promise<boolean> {
  const socket = connect({ path })
  try {
    await once(socket, 'connect', { signal: AbortSignal.timeout(acceptMilliseconds) })
    return true
  } catch (error) {
    // Whoever may not connect or is kept waiting has met a live owner; only a refusal proves that there is none.
    return systemCode(error) !== 'ECONNREFUSED' && systemCode(error) !== 'ENOENT'
  } finally {
    socket.on('error', () => {})
    socket.destroy()
  }
}
