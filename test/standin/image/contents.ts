import { execFile } from 'node:child_process'
import { readFile, realpath } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { build } from 'esbuild'
import type { TarEntry } from './tar.ts'

const run = promisify(execFile)
const root = join(dirname(fileURLToPath(import.meta.url)), '../../..')

/** Where things are in the image. */
export const inside = {
  node: '/opt/standin/node',
  program: '/opt/standin/controller.mjs',
  mongod: '/opt/standin/mongod',
  ferretdb: '/opt/standin/ferretdb',
  data: '/opt/tplink/EAPController/data',
  logs: '/opt/tplink/EAPController/logs',
  work: '/opt/tplink/EAPController/lib',
  version: '/opt/tplink/EAPController/IMAGE_OMADA_VER.txt',
} as const

/** A real database to put into the image: which, and its file. */
export interface DatabaseFile {
  readonly program: 'mongod' | 'ferretdb'
  readonly file: string
}

/** What does not change from build to build: Node, the libraries, directories. A database goes in if one is named. */
export async function runtimeLayer(database: DatabaseFile | undefined): Promise<TarEntry[]> {
  const node = join(root, 'node_modules', `node-linux-${process.arch}`, 'bin/node')
  const programs = [
    { from: node, to: inside.node },
    ...(database === undefined ? [] : [{ from: database.file, to: inside[database.program] }]),
  ]
  const libraries = new Set((await Promise.all(programs.map(({ from }) => librariesOf(from)))).flat())
  const files = [...programs, ...[...libraries].sort().map((path) => ({ from: path, to: path }))]
  const contents = await Promise.all(
    files.map(async ({ from, to }) => ({ path: to.slice(1), mode: 0o755, content: await readFile(from) })),
  )
  const text = (path: string, content: string): TarEntry => ({ path, mode: 0o644, content: Buffer.from(content) })
  const accounts = [
    text(
      'etc/passwd',
      'root:x:0:0:root:/root:/sbin/nologin\nomada:x:508:508::/opt/tplink/EAPController/data:/sbin/nologin\n',
    ),
    text('etc/group', 'root:x:0:\nomada:x:508:\n'),
  ]
  return [...directories([...contents, ...accounts]), ...contents, ...accounts]
}

/** The controller as one file. */
export async function programLayer(): Promise<TarEntry[]> {
  const result = await build({
    entryPoints: [join(root, 'test/standin/controller/main.ts')],
    bundle: true,
    write: false,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    logLevel: 'silent',
    // MongoDB's driver is a CommonJS package.
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
  })
  const output = result.outputFiles[0]
  if (output === undefined) throw new Error('the bundle is empty')
  return [{ path: inside.program.slice(1), mode: 0o644, content: Buffer.from(output.contents) }]
}

/** What the image says of its version. */
export function versionLayer(version: string): TarEntry[] {
  return [{ path: inside.version.slice(1), mode: 0o644, content: Buffer.from(`${version}\n`) }]
}

/** Every directory above the files, and those that the controller expects; parents first. */
function directories(files: readonly TarEntry[]): TarEntry[] {
  const paths = new Set<string>()
  const add = (path: string) => {
    if (path === '.' || path === '' || paths.has(path)) return
    add(dirname(path))
    paths.add(path)
  }
  for (const { path } of files) add(dirname(path))
  for (const path of [inside.data, inside.logs, inside.work]) add(path.slice(1))
  const plain = [...paths].map((path): TarEntry => ({ path: `${path}/`, mode: 0o755, directory: true }))
  return [...plain, { path: 'tmp/', mode: 0o1777, directory: true }]
}

/** What the dynamic linker loads for a program, itself included. A static program has none. */
async function librariesOf(program: string): Promise<string[]> {
  const { stdout } = await run('ldd', [await realpath(program)]).catch((error: unknown) => {
    const message = error instanceof Error ? error.message : String(error)
    if (message.includes('not a dynamic executable')) return { stdout: '' }
    throw new Error(`ldd does not work on ${program}: ${message}`)
  })
  if (stdout.includes('not found')) throw new Error(`${program} lacks a library: ${stdout}`)
  return stdout
    .split('\n')
    .map((line) => /(?:=>\s*)?(\/\S+)\s+\(0x/.exec(line)?.[1])
    .filter((path) => path !== undefined)
}
