import { chmod, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import * as esbuild from 'esbuild'
import { browserText } from '../src/core/browser-text.ts'
import { bytes } from '../src/core/format.ts'

/** What an optional dependency of the MongoDB driver would add; none of it is installed. */
const absentOptions = [
  '@aws-sdk/credential-providers',
  '@mongodb-js/zstd',
  'aws4',
  'gcp-metadata',
  'kerberos',
  'mongodb-client-encryption',
  'snappy',
  'socks',
]

/**
 * What dockerode loads for image builds, copies into containers and engines behind SSH, none of which is done here, which
 * would be half of the host's memory; and Fastify's compilers of JSON schemas, which it is not given (ipc/server-app.ts).
 */
const leftOut = [
  '@balena/dockerignore',
  '@fastify/ajv-compiler',
  '@fastify/fast-json-stringify-compiler',
  '@grpc/grpc-js',
  '@grpc/proto-loader',
  'protobufjs',
  'ssh2',
  'tar-fs',
]

const leaveOut: esbuild.Plugin = {
  name: 'leave-out',
  setup(build) {
    const filter = new RegExp(`^(?:${leftOut.map((name) => name.replaceAll('.', '\\.')).join('|')})$`)
    build.onResolve({ filter }, ({ path }) => ({ path, namespace: 'left-out' }))
    build.onLoad({ filter: /.*/, namespace: 'left-out' }, () => ({ contents: 'module.exports = {}', loader: 'js' }))
  },
}

/**
 * `import … from 'node:http'` makes Node load undici for the exports of node:http that are WebSocket's: 13 MB of memory
 * in each process. `require` does not.
 */
const requireHttp: esbuild.Plugin = {
  name: 'require-http',
  setup(build) {
    build.onResolve({ filter: /^(?:node:)?http$/ }, ({ kind }) =>
      kind === 'import-statement' ? { path: 'node:http', namespace: 'required' } : undefined,
    )
    build.onLoad({ filter: /.*/, namespace: 'required' }, ({ path }) => ({
      contents: `module.exports = require(${JSON.stringify(path)})`,
      loader: 'js',
    }))
  },
}

/**
 * A server may compress what it sends, asked or not, and one megabyte can be nine hundred in memory. It is never asked to,
 * and so the driver's decompression is replaced by one that refuses.
 */
export const refuseDecompression: esbuild.Plugin = {
  name: 'refuse-decompression',
  setup(build) {
    build.onLoad({ filter: /\/mongodb[^/]*\/lib\/cmap\/wire_protocol\/compression\.js$/ }, async ({ path }) => {
      const source = await readFile(path, 'utf8')
      if (!source.includes('\nasync function decompress(')) throw new Error(`${path} has no function decompress`)
      const refusing = source.replace(
        '\nasync function decompress(',
        `$&) { throw new Error('the server sends compressed messages, which it was not asked for') }\nasync function unused(`,
      )
      return { contents: refusing, loader: 'js' }
    })
  },
}

/** Puts the texts for the browser in the place of the calls that make them. */
const browserTexts: esbuild.Plugin = {
  name: 'browser-texts',
  setup(build) {
    build.onLoad({ filter: /\/src\/edge\/.*\.ts$/ }, async ({ path }) => {
      const source = await readFile(path, 'utf8')
      const contents = source.replace(
        /\bbrowserText\(new URL\('([^']+)', import\.meta\.url\)\)/g,
        (_call, file: string) => JSON.stringify(browserText(new URL(file, pathToFileURL(path)))),
      )
      return { contents, loader: 'ts' }
    })
  },
}

/** Has the program say that it is of this version, whatever package.json says. */
const versioned = (version: string): esbuild.Plugin => ({
  name: 'version',
  setup(build) {
    const manifest = fileURLToPath(new URL('../package.json', import.meta.url))
    build.onLoad({ filter: /\/package\.json$/ }, ({ path }) =>
      path === manifest ? { contents: JSON.stringify({ version }), loader: 'json' } : undefined,
    )
  },
})

/** CommonJS packages in an ES module: what they take for granted. */
const banner = `import { createRequire as createRequireOfBundle } from 'node:module'
const require = createRequireOfBundle(import.meta.url)
const __filename = import.meta.filename
const __dirname = import.meta.dirname`

// Without --enable-source-maps, which reads every map at start: 12 MB in each process. NODE_OPTIONS can set it.
const launcher = `#!/bin/sh
# Runs the built program on the Node.js that the project brings along.
set -eu
here=$(CDPATH= cd -- "$(dirname -- "$(readlink -f -- "$0")")" && pwd)
exec "$here/../scripts/node" "$here/main.js" "$@"
`

/**
 * Builds the program into `outdir`: main.js, the chunks that its commands load, source maps, the launcher omada-host,
 * and meta.json, which says what went where.
 * @param options.version default: that of package.json
 */
export async function buildProgram(outdir: string, options: { version?: string } = {}): Promise<esbuild.Metafile> {
  await rm(outdir, { recursive: true, force: true })
  await mkdir(outdir, { recursive: true })
  const { metafile } = await esbuild.build({
    absWorkingDir: fileURLToPath(new URL('..', import.meta.url)),
    entryPoints: { main: 'src/main.ts' },
    outdir,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    chunkNames: 'chunks/[name]-[hash]',
    sourcemap: true,
    sourcesContent: false,
    metafile: true,
    external: absentOptions,
    plugins: [
      ...[leaveOut, refuseDecompression, requireHttp, browserTexts],
      ...(options.version === undefined ? [] : [versioned(options.version)]),
    ],
    banner: { js: banner },
    logLevel: 'warning',
  })
  await writeFile(join(outdir, 'meta.json'), JSON.stringify(metafile))
  const program = join(outdir, 'omada-host')
  await writeFile(program, launcher)
  await chmod(program, 0o755)
  return metafile
}

if (import.meta.main) {
  const outdir = fileURLToPath(new URL('../dist', import.meta.url))
  const metafile = await buildProgram(outdir)
  const size = Object.values(metafile.outputs).reduce((sum, output) => sum + output.bytes, 0)
  console.log(`built ${Object.keys(metafile.outputs).length} files, ${bytes(size)}, into ${outdir}`)
}
