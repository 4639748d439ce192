import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'

/**
 * The text of a script or a style sheet for the browser, whose first file is at `url`: bundled and minified. The build puts
 * the text in place of the call (scripts/build.ts), which is why it is always written
 * `browserText(new URL('…', import.meta.url))`: only a program that runs from its sources, as in tests, comes here and needs
 * esbuild, so that what is tested is what is shipped.
 */
export function browserText(url: URL): string {
  const esbuild: typeof import('esbuild') = createRequire(import.meta.url)('esbuild')
  const { outputFiles } = esbuild.buildSync({
    entryPoints: [fileURLToPath(url)],
    bundle: true,
    minify: true,
    format: 'esm',
    write: false,
    // Browsers of 2023 and later.
    target: ['chrome111', 'firefox111', 'safari16.4'],
    logLevel: 'warning',
  })
  return outputFiles.map(({ text }) => text.trim()).join('')
}
