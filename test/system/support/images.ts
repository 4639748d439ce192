import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, statSync } from 'node:fs'
import { readdir, rename, rm, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { command } from '../../support/command.ts'
import { exclusively } from '../../support/exclusively.ts'
import { Ledger } from '../../support/ledger.ts'
import { Namespace } from '../../support/namespace.ts'
import { ferretdb, ferretdbVersion } from './ferretdb.ts'
import { Podman } from './podman.ts'

const standin = fileURLToPath(new URL('../../standin', import.meta.url))
const cache = '/var/tmp/omada-host-images'

/** Images of other sources, that another checkout of this project may be using, are kept for so long after their last use. */
const keptMilliseconds = 24 * 3600_000

/** What the stand-in image is called in the image store, one tag for each controller version that tests need. */
export const standinImage = 'localhost/omada-standin'
export const standinTags = ['6.3', '6.2', '6.1', '5.15'] as const

/**
 * Set in the images. Devices of these tests announce themselves every second, ten times as often as real ones, so that
 * nobody waits for them: only ten times as many announces as usual make the controller give an adoption up. With the usual
 * three, a machine that stood still for three seconds would fail an adoption in which nothing is wrong.
 */
const environment = ['STANDIN_ADOPT_ANNOUNCES=30']

/**
 * Makes the stand-in images, with FerretDB as their database where that can be had, or finds those made before from the same sources by the same Node. Of several callers the
 * first makes them; the others wait.
 * @returns the root of a Podman storage that holds them, to be used as an additional image store
 */
export async function standinImageStore(): Promise<string> {
  const database = await ferretdb()
  const key = await sourceHash(database)
  const store = join(cache, key, 'root')
  if (existsSync(store)) {
    await utimes(join(cache, key), new Date(), new Date())
    return store
  }
  mkdirSync(cache, { recursive: true })
  await exclusively(cache, async () => {
    if (!existsSync(store)) await makeImages(key, store, database)
  })
  return store
}

async function makeImages(key: string, store: string, database: string | undefined): Promise<void> {
  for (const name of await readdir(cache)) {
    const directory = join(cache, name)
    if (Date.now() - statSync(directory).mtimeMs > keptMilliseconds) await rm(directory, { recursive: true })
  }
  const ledger = await Ledger.open('omada-host-image-', '/var/tmp')
  try {
    const archive = join(ledger.directory, 'image.tar')
    const tags = standinTags.flatMap((tag) => ['--tag', `${standinImage}:${tag}`])
    const settings = environment.flatMap((setting) => ['--env', setting])
    const real = database === undefined ? [] : ['--ferretdb', database]
    await command([process.execPath, join(standin, 'image.ts'), ...tags, ...settings, ...real, '--archive', archive])
    const directory = join(ledger.directory, 'podman')
    await Podman.make(ledger, { namespace: Namespace.own, directory }).run(['load', '--input', archive])
    mkdirSync(join(cache, key), { recursive: true })
    await rename(join(directory, 'root'), store)
  } finally {
    await ledger.close()
  }
}

async function sourceHash(database: string | undefined): Promise<string> {
  const kind = database === undefined ? 'a listener' : ferretdbVersion
  const hash = createHash('sha256')
    .update(process.version)
    .update(JSON.stringify([environment, kind]))
  for (const entry of (await readdir(standin, { recursive: true })).sort()) {
    if (entry.endsWith('.ts')) hash.update(entry).update(readFileSync(join(standin, entry)))
  }
  return hash.digest('hex').slice(0, 16)
}
