import { join } from 'node:path'
import { buildPackage, projectRoot } from './build.ts'
import { architectureOf } from './node-runtime.ts'

// main.ts ARCHITECTURE: builds dist/package/omada-host_VERSION_ARCHITECTURE.deb and says where it is.
const architecture = architectureOf(process.argv[2] ?? '')
const { path, bytes } = await buildPackage({ architecture, outdir: join(projectRoot, 'dist', 'package') })
console.log(`built ${path} (${Math.round(bytes / 2 ** 20)} MB)`)
