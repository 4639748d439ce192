import { spawn } from 'node:child_process'
import { once } from 'node:events'

/**
 * Does `work` while no other process on this machine does what is locked by the same path; the others wait. The kernel
 * releases the lock when this process ends, however it does.
 * @param path a directory that exists, or a file, which is made and left behind
 * @throws Error when flock(1) fails; what `work` throws
 */
export async function exclusively<T>(path: string, work: () => Promise<T>): Promise<T> {
  // The lock lasts as long as the other end of this pipe.
  const holder = spawn('flock', [path, 'sh', '-c', 'echo && exec cat'], { stdio: ['pipe', 'pipe', 'inherit'] })
  const ended = once(holder, 'close')
  holder.stdin.on('error', () => {})
  try {
    const lost = ended.then(() => Promise.reject(new Error(`flock ${path}: no lock`)))
    await Promise.race([once(holder.stdout, 'data'), lost])
    return await work()
  } finally {
    holder.stdin.end()
    await ended.catch(() => {})
  }
}
