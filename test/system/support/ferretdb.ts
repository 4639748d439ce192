import { existsSync, mkdirSync } from 'node:fs'
import { chmod, cp, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { command } from '../../support/command.ts'
import { exclusively } from '../../support/exclusively.ts'

/** The last release that keeps its data in SQLite; the later ones want PostgreSQL with an extension. */
export const ferretdbVersion = 'v1.24.2'

/** What a driver is told of it. Source: build/version/mongodb.txt of that release. */
export const ferretdbPosesAs = '7.0.42'

const cache = '/var/tmp/omada-host-ferretdb'

/** Why there is no FerretDB here, for people; undefined where there can be one. */
export const noFerretdb = findGo() === undefined ? 'there is no Go toolchain to build FerretDB with' : undefined

function findGo(): string | undefined {
  const places = [...(process.env.PATH ?? '').split(':'), '/usr/local/go/bin', '/usr/lib/go/bin']
  return places.map((place) => join(place, 'go')).find((path) => existsSync(path))
}

/**
 * A FerretDB program: a server that speaks MongoDB's protocol and keeps data. Built where a Go toolchain is at hand, or
 * found as built before. Of several callers the first builds it; the others wait.
 * @returns its path; undefined where there is no toolchain
 * @throws Error when it cannot be fetched or built
 */
export async function ferretdb(): Promise<string | undefined> {
  const go = findGo()
  const program = join(cache, ferretdbVersion, 'ferretdb')
  if (existsSync(program)) return program
  if (go === undefined) return undefined
  mkdirSync(cache, { recursive: true })
  await exclusively(cache, async () => {
    // A module proxy that is busy is asked again.
    for (let attempt = 1; !existsSync(program); attempt += 1) {
      await build(go, program).catch((error: unknown) => {
        if (attempt === 3) throw error
      })
    }
  })
  return program
}

/** `go install` makes one that ends at once: the module has no version.txt, which a file of that name mends. */
async function build(go: string, program: string): Promise<void> {
  const work = await mkdtemp(join(cache, 'build-'))
  try {
    const source = join(work, 'source')
    const download = [go, 'mod', 'download', '-json', `github.com/FerretDB/FerretDB@${ferretdbVersion}`]
    const { Dir } = JSON.parse(await command(download, { timeoutMilliseconds: 300_000 }))
    await cp(Dir, source, { recursive: true })
    const version = join(source, 'build/version')
    await chmod(version, 0o755)
    await writeFile(join(version, 'version.txt'), ferretdbVersion)
    const linking = ['-trimpath', '-buildvcs=false', '-ldflags=-s -w']
    const argv = [go, '-C', source, 'build', ...linking, '-o', join(work, 'ferretdb'), './cmd/ferretdb']
    await command(['env', 'CGO_ENABLED=0', ...argv], { timeoutMilliseconds: 1_200_000 })
    mkdirSync(join(cache, ferretdbVersion), { recursive: true })
    await rename(join(work, 'ferretdb'), program)
  } finally {
    await command(['chmod', '-R', 'u+w', work])
    await rm(work, { recursive: true, force: true })
  }
}
