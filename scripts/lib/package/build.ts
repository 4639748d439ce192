import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import manifest from '../../../package.json' with { type: 'json' }
import { buildProgram } from '../../build.ts'
import { describedProgram } from './commands.ts'
import { bashCompletion } from './completion.ts'
import { configPage } from './config-page.ts'
import { changelog, controlFile, packageName } from './control.ts'
import { copyright } from './copyright.ts'
import { defaultConfig } from './default-config.ts'
import { type Architecture, nodeRuntime } from './node-runtime.ts'
import { programPage } from './program-page.ts'
import { Tree } from './tree.ts'
import { unitPlaces } from './unit-places.ts'

const run = promisify(execFile)

export const projectRoot = fileURLToPath(new URL('../../..', import.meta.url)).replace(/\/$/, '')

const here = import.meta.dirname
const command = 'usr/bin/omada-host'
const library = 'usr/lib/omada-host'
const documents = `usr/share/doc/${packageName}`

// One process and no search: what systemd starts is the program itself.
const launcher = `#!/bin/sh
exec /${library}/node /${library}/main.js "$@"
`

export interface PackageOptions {
  readonly architecture: Architecture
  readonly outdir: string
  /** Default: that of package.json. */
  readonly version?: string
}

/**
 * Builds the Debian package of this checkout. The same sources make the same bytes: every file has the time of
 * SOURCE_DATE_EPOCH, or of the last commit, and belongs to root.
 * @throws Error when a part cannot be built or fetched
 */
export async function buildPackage(options: PackageOptions): Promise<{ path: string; bytes: number }> {
  const { architecture, outdir, version = manifest.version } = options
  const date = await sourceDate()
  const work = await mkdtemp(join(tmpdir(), 'omada-host-package-'))
  try {
    const tree = new Tree({ root: join(work, 'root') })
    await fill(tree, { architecture, version, date, bundle: join(work, 'bundle') })
    await describe(tree, { architecture, version })
    await tree.settle(date)
    const name = `${packageName}_${version}_${architecture}.deb`
    const environment = { ...process.env, SOURCE_DATE_EPOCH: String(date) }
    // A quarter of the time that xz takes by default, for 2 MB more: this is also built on small machines.
    const argv = ['--root-owner-group', '-Zxz', '-z0', '--build', tree.root, join(work, name)]
    await run('dpkg-deb', argv, { env: environment, timeout: 10 * 60_000 })
    await mkdir(outdir, { recursive: true })
    const path = join(outdir, name)
    await moveFile(join(work, name), path)
    return { path, bytes: (await stat(path)).size }
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}

/** Seconds since 1970. */
async function sourceDate(): Promise<number> {
  const given = process.env.SOURCE_DATE_EPOCH
  if (given !== undefined && /^\d+$/.test(given)) return Number(given)
  try {
    const { stdout } = await run('git', ['-C', projectRoot, 'log', '-1', '--format=%ct'])
    return Number(stdout.trim())
  } catch {
    // Sources without a history: an archive keeps the time of its files.
    return Math.floor((await stat(join(projectRoot, 'package.json'))).mtimeMs / 1000)
  }
}

interface Contents {
  readonly architecture: Architecture
  readonly version: string
  readonly date: number
  /** A directory to build the program in. */
  readonly bundle: string
}

async function fill(tree: Tree, { architecture, version, date, bundle }: Contents): Promise<void> {
  const node = await nodeRuntime(projectRoot, architecture)
  const metafile = await buildProgram(bundle, { version })
  // Without source maps: they would be a third of the program, and nothing reads them unless it is told to.
  const scripts = (await readdir(bundle, { recursive: true })).filter((path) => path.endsWith('.js'))
  for (const path of scripts) await tree.copy(join(bundle, path), `${library}/${path}`)
  await tree.copy(node.program, `${library}/node`, 0o755)
  await tree.write(`${library}/package.json`, `${JSON.stringify({ name: packageName, version, type: 'module' })}\n`)
  await tree.write(`${library}/omada-host`, launcher, 0o755)
  await tree.link('../lib/omada-host/omada-host', command)

  for (const { from, to } of await unitPlaces(join(projectRoot, 'units'))) await tree.copy(from, to)
  // Not for everybody's eyes: it may hold a database's password.
  await tree.write('etc/omada-host/config.yaml', defaultConfig(), 0o640)

  const program = await describedProgram()
  const template = await readFile(join(here, 'omada-host.8.in'), 'utf8')
  const page = { version, date }
  await tree.write('usr/share/man/man8/omada-host.8.gz', packed(programPage({ template, program, ...page })))
  await tree.write('usr/share/man/man5/omada-host.yaml.5.gz', packed(configPage(page)))
  await tree.write('usr/share/bash-completion/completions/omada-host', bashCompletion(program))

  await tree.write(`${documents}/changelog.gz`, packed(changelog(page)))
  await tree.write(`${documents}/copyright`, await copyright({ root: projectRoot, metafile, node }))
  await tree.copy(join(here, 'debian', 'lintian-overrides'), `usr/share/lintian/overrides/${packageName}`)
}

/** Adds what dpkg reads about the tree. */
async function describe(tree: Tree, options: { architecture: Architecture; version: string }): Promise<void> {
  const installedSize = await tree.installedSize()
  const files = (await tree.paths()).filter((path) => !path.endsWith('/') && path !== command)
  const conffiles = files.filter((path) => path.startsWith('etc/'))
  const sums: string[] = []
  // dpkg keeps those of conffiles itself.
  for (const path of files.filter((path) => !conffiles.includes(path))) {
    const sum = createHash('md5')
      .update(await readFile(join(tree.root, path)))
      .digest('hex')
    sums.push(`${sum}  ${path}\n`)
  }
  await tree.write('DEBIAN/control', controlFile({ ...options, installedSize }))
  await tree.write('DEBIAN/md5sums', sums.join(''))
  await tree.write('DEBIAN/conffiles', conffiles.map((path) => `/${path}\n`).join(''))
  for (const script of ['postinst', 'prerm', 'postrm']) {
    await tree.copy(join(here, 'debian', script), `DEBIAN/${script}`, 0o755)
  }
}

/** As `gzip -9n` does it: without a name or a time. */
function packed(text: string): Uint8Array {
  return gzipSync(text, { level: 9 })
}

/** Whoever reads the old file while it is replaced reads all of it. */
async function moveFile(from: string, to: string): Promise<void> {
  const beside = `${to}.${process.pid}`
  await writeFile(beside, await readFile(from))
  await rename(beside, to)
}
