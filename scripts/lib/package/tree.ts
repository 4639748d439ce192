import { chmod, copyFile, lstat, lutimes, mkdir, readdir, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'

/** A tree of files that is put together to be packed: no owner, time or mode of this machine shall be left in it. */
export class Tree {
  readonly root: string

  constructor(options: { root: string }) {
    this.root = options.root
  }

  /** Writes a file; `path` is where it is installed, from `/`. */
  async write(path: string, content: string | Uint8Array, mode = 0o644): Promise<void> {
    const target = await this.#place(path)
    await writeFile(target, content)
    await chmod(target, mode)
  }

  async copy(from: string, path: string, mode = 0o644): Promise<void> {
    const target = await this.#place(path)
    await copyFile(from, target)
    await chmod(target, mode)
  }

  async link(to: string, path: string): Promise<void> {
    await symlink(to, await this.#place(path))
  }

  /** Every path in the tree in order, without the tree's root itself; a directory's ends with `/`. */
  async paths(): Promise<readonly string[]> {
    const entries = await readdir(this.root, { recursive: true, withFileTypes: true })
    return entries
      .map(
        (entry) => `${join(entry.parentPath, entry.name).slice(this.root.length + 1)}${entry.isDirectory() ? '/' : ''}`,
      )
      .sort()
  }

  /** What the tree will take, in units of 1024 bytes, as Debian's policy (5.6.20) counts it. */
  async installedSize(): Promise<number> {
    let size = 0
    for (const path of await this.paths()) {
      size += path.endsWith('/') ? 1 : Math.ceil((await lstat(join(this.root, path))).size / 1024)
    }
    return size
  }

  /** Gives everything the same time, in seconds since 1970, and directories the same mode. */
  async settle(time: number): Promise<void> {
    const paths = await this.paths()
    for (const path of [...paths].reverse()) {
      if (path.endsWith('/')) await chmod(join(this.root, path), 0o755)
      await lutimes(join(this.root, path).replace(/\/$/, ''), time, time)
    }
    await chmod(this.root, 0o755)
    await lutimes(this.root, time, time)
  }

  async #place(path: string): Promise<string> {
    const target = join(this.root, path)
    await mkdir(dirname(target), { recursive: true })
    return target
  }
}
