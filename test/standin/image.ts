import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs, promisify } from 'node:util'
import { buildImage, parseTag } from './image/build.ts'
import type { DatabaseFile } from './image/contents.ts'

const run = promisify(execFile)

const usage = `usage: scripts/node test/standin/image.ts --tag NAME:TAG[=VERSION] [--tag …]
  [--archive FILE] [--podman [--storage-root DIR --runroot DIR]] [--docker]
  [--push docker://HOST:PORT/NAME:TAG … [--insecure]] [--env NAME=VALUE …] [--mongod FILE | --ferretdb FILE]

example: scripts/node test/standin/image.ts --tag localhost/omada-standin:6.2 --podman
`

/** Builds the stand-in image and hands it to whatever was named. */
async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      tag: { type: 'string', multiple: true },
      archive: { type: 'string' },
      podman: { type: 'boolean', default: false },
      docker: { type: 'boolean', default: false },
      'storage-root': { type: 'string' },
      runroot: { type: 'string' },
      push: { type: 'string', multiple: true },
      insecure: { type: 'boolean', default: false },
      env: { type: 'string', multiple: true },
      mongod: { type: 'string' },
      ferretdb: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help || values.tag === undefined) {
    process.stdout.write(usage)
    process.exitCode = values.help ? 0 : 2
    return
  }
  const tags = values.tag.map(parseTag)
  const temporary = values.archive === undefined ? await mkdtemp(join(tmpdir(), 'omada-standin-')) : undefined
  const archive = values.archive ?? join(temporary ?? '', 'image.tar')
  try {
    const bytes = await buildImage({
      tags,
      archive,
      environment: values.env ?? [],
      database: databaseFile(values),
    })
    const loaded: string[] = []
    if (values.podman) {
      const storage = [
        ...(values['storage-root'] === undefined ? [] : ['--root', values['storage-root']]),
        ...(values.runroot === undefined ? [] : ['--runroot', values.runroot]),
      ]
      await run('podman', [...storage, 'load', '--quiet', '--input', archive])
      loaded.push('podman')
    }
    if (values.docker) {
      await run('docker', ['load', '--quiet', '--input', archive])
      loaded.push('docker')
    }
    for (const target of values.push ?? []) {
      const suffix = /:[A-Za-z0-9_.-]+$/.exec(target)?.[0] ?? ''
      const tag = tags.find(({ name }) => name.endsWith(suffix))
      if (suffix === '' || tag === undefined) throw new Error(`${target}: no --tag has the same tag`)
      const tls = values.insecure ? ['--dest-tls-verify=false'] : []
      await run('skopeo', [
        '--insecure-policy',
        'copy',
        '--quiet',
        ...tls,
        `docker-archive:${archive}:${tag.name}`,
        target,
      ])
    }
    const kept = values.archive === undefined ? {} : { archive }
    console.log(JSON.stringify({ tags, ...kept, bytes, loaded, pushed: values.push ?? [] }))
  } finally {
    if (temporary !== undefined) await rm(temporary, { recursive: true, force: true })
  }
}

function databaseFile({ mongod, ferretdb }: { mongod?: string; ferretdb?: string }): DatabaseFile | undefined {
  if (mongod !== undefined) return { program: 'mongod', file: mongod }
  return ferretdb === undefined ? undefined : { program: 'ferretdb', file: ferretdb }
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
})
