import { createHash } from 'node:crypto'
import { open } from 'node:fs/promises'
import { type DatabaseFile, inside, programLayer, runtimeLayer, versionLayer } from './contents.ts'
import { header, type TarEntry, tarChunks, tarSize } from './tar.ts'

/** An image to make: its name with tag, and the controller version that it stands in for. */
export interface ImageTag {
  readonly name: string
  readonly version: string
}

/** A version of each series, as its tag may stand for; any other tag gets the one of 6.2. */
const knownVersions: Readonly<Record<string, string>> = {
  '5.14': '5.14.32.3',
  '5.15': '5.15.24.19',
  '6.0': '6.0.0.25',
  '6.1': '6.1.0.19',
  '6.3': '6.3.0.42',
  '6.2': '6.2.0.17',
}

/**
 * `NAME:TAG` or `NAME:TAG=VERSION`; without a version the tag's major.minor decides.
 * @throws Error when it has no tag or the version is malformed
 */
export function parseTag(text: string): ImageTag {
  const [name = '', version] = text.split('=')
  const tag = /:([A-Za-z0-9_.-]+)$/.exec(name)?.[1]
  if (tag === undefined) throw new Error(`${text} is not NAME:TAG or NAME:TAG=VERSION`)
  if (version !== undefined && !/^\d+(\.\d+)+$/.test(version)) throw new Error(`${version} is not a version`)
  const series = /^(\d+\.\d+)/.exec(tag)?.[1] ?? ''
  return { name, version: version ?? new Map(Object.entries(knownVersions)).get(series) ?? '6.2.0.17' }
}

/** The image's CMD; the stand-in only reads the heap options' standard values off it. Source: the image's Dockerfile. */
const command = [
  'java',
  '-server',
  '-Xms128m',
  '-Xmx1024m',
  '-XX:MaxHeapFreeRatio=60',
  '-XX:MinHeapFreeRatio=30',
  '-XX:+HeapDumpOnOutOfMemoryError',
  '-XX:HeapDumpPath=/opt/tplink/EAPController/logs/java_heapdump.hprof',
  '-Djava.awt.headless=true',
  '-cp',
  '/opt/tplink/EAPController/lib/*:/opt/tplink/EAPController/properties',
  'com.tplink.smb.omada.starter.OmadaLinuxMain',
]

const exposed = '8088 8043 8843 19810/udp 27001/udp 29810/udp 29811 29812 29813 29814 29815 29816 29817'

const variable = { mongod: 'STANDIN_MONGOD', ferretdb: 'STANDIN_FERRETDB' } as const

/** The container's configuration: that of the real image wherever it can be. Source: the image's Dockerfile. */
function configuration(
  tag: ImageTag,
  environment: readonly string[],
  database: DatabaseFile | undefined,
  layers: readonly Layer[],
): Buffer {
  const config = {
    Env: [
      'PATH=/opt/standin',
      `STANDIN_VERSION=${tag.version}`,
      ...(database === undefined ? [] : [`${variable[database.program]}=${inside[database.program]}`]),
      ...environment,
    ],
    Entrypoint: [inside.node, inside.program],
    Cmd: command,
    WorkingDir: inside.work,
    ExposedPorts: Object.fromEntries(exposed.split(' ').map((port) => [port.includes('/') ? port : `${port}/tcp`, {}])),
    Volumes: { [inside.data]: {}, [inside.logs]: {} },
    StopSignal: 'SIGTERM',
    Healthcheck: { Test: ['CMD', inside.node, inside.program, 'healthcheck'], StartPeriod: 300_000_000_000 },
    Labels: {
      'org.opencontainers.image.title': 'omada-host stand-in controller',
      'org.opencontainers.image.version': tag.version,
      'org.opencontainers.image.description': 'Not TP-Link software: a stand-in for tests and for trying omada-host',
    },
  }
  return Buffer.from(
    JSON.stringify({
      architecture: process.arch === 'arm64' ? 'arm64' : 'amd64',
      os: 'linux',
      created: '1970-01-01T00:00:00Z',
      config,
      rootfs: { type: 'layers', diff_ids: layers.map((layer) => `sha256:${layer.digest}`) },
      history: layers.map((layer) => ({ created: '1970-01-01T00:00:00Z', created_by: layer.purpose })),
    }),
  )
}

interface Layer {
  readonly purpose: string
  readonly entries: readonly TarEntry[]
  readonly digest: string
}

/**
 * Writes a docker-archive with one image for each tag, all sharing their layers but the one that says the version.
 * `podman load`, `docker load` and `skopeo copy docker-archive:` take it. Format: moby image specification 1.2, "Combined Image JSON + Filesystem".
 * @returns the archive's size in bytes
 * @throws Error when Node or a library cannot be found or the file not be written
 */
export async function buildImage(o: {
  tags: readonly ImageTag[]
  archive: string
  environment?: readonly string[]
  database?: DatabaseFile | undefined
}): Promise<number> {
  const shared = [layerOf('runtime', await runtimeLayer(o.database)), layerOf('controller', await programLayer())]
  const layersOf = o.tags.map(({ version }) => [...shared, layerOf('version', versionLayer(version))])
  const configurations = o.tags.map((tag, index) =>
    configuration(tag, o.environment ?? [], o.database, layersOf[index] ?? []),
  )
  const manifest = o.tags.map((tag, index) => ({
    Config: `${sha256([configurations[index] ?? Buffer.alloc(0)])}.json`,
    RepoTags: [tag.name],
    Layers: (layersOf[index] ?? []).map((layer) => `${layer.digest}.tar`),
  }))
  const small = new Map(manifest.map((image, index) => [image.Config, configurations[index] ?? Buffer.alloc(0)]))
  small.set('manifest.json', Buffer.from(JSON.stringify(manifest)))
  const files = [...small].map(([path, content]): TarEntry => ({ path, mode: 0o644, content }))
  const archive = await open(o.archive, 'w', 0o644)
  try {
    for (const layer of new Map(layersOf.flat().map((each) => [each.digest, each])).values()) {
      const size = tarSize(layer.entries)
      await archive.write(header({ path: `${layer.digest}.tar`, mode: 0o644, content: Buffer.alloc(0) }, size))
      for (const chunk of tarChunks(layer.entries)) await archive.write(chunk)
    }
    for (const chunk of tarChunks(files)) await archive.write(chunk)
    return (await archive.stat()).size
  } finally {
    await archive.close()
  }
}

function layerOf(purpose: string, entries: readonly TarEntry[]): Layer {
  return { purpose, entries, digest: sha256(tarChunks(entries)) }
}

function sha256(chunks: Iterable<Buffer>): string {
  const hash = createHash('sha256')
  for (const chunk of chunks) hash.update(chunk)
  return hash.digest('hex')
}
