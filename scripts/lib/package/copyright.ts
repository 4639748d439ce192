import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Metafile } from 'esbuild'

/** A file of a package that grants its licence or names its authors. */
const licenceFile = /^(?:licen[cs]e|copying|notice)(?:[.-]|$)/i

/**
 * Debian's `copyright` for all that is in the package: this program, the npm packages that the bundle `metafile` took in,
 * and Node.js, each with its own licence's text.
 */
export async function copyright(options: {
  root: string
  metafile: Metafile
  node: { version: string; licence: string }
}): Promise<string> {
  const { root, metafile, node } = options
  const packages = await Promise.all(bundledPackages(metafile).map((name) => describePackage(root, name)))
  return [
    'omada-host: a network appliance that hosts the TP-Link Omada controller in a container.\n',
    await readFile(join(root, 'LICENSE'), 'utf8'),
    '\nIts program contains these npm packages:\n',
    ...packages,
    titled(`Node.js ${node.version} (/usr/lib/omada-host/node), with what it contains itself`),
    await readFile(node.licence, 'utf8'),
  ].join('\n')
}

/** The npm packages of which something is in the bundle, by their directories below node_modules, in order. */
export function bundledPackages(metafile: Metafile): readonly string[] {
  const inputs = Object.values(metafile.outputs).flatMap((output) => Object.entries(output.inputs))
  const used = inputs.filter(([, { bytesInOutput }]) => bytesInOutput > 0).map(([path]) => path)
  const names = used.flatMap(
    (path) => /(?:^|\/)node_modules\/((?:.*\/node_modules\/)?(?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? [],
  )
  return [...new Set(names)].sort()
}

async function describePackage(root: string, path: string): Promise<string> {
  const directory = join(root, 'node_modules', path)
  const manifest = JSON.parse(await readFile(join(directory, 'package.json'), 'utf8')) as {
    name: string
    version: string
    license?: string
  }
  const files = (await readdir(directory)).filter((file) => licenceFile.test(file)).sort()
  const texts = await Promise.all(files.map((file) => readFile(join(directory, file), 'utf8')))
  return [titled(`${manifest.name} ${manifest.version}, licence: ${manifest.license ?? 'see below'}`), ...texts].join(
    '\n',
  )
}

function titled(text: string): string {
  return `\n${text}\n${'='.repeat(text.length)}\n`
}
