import { join } from 'node:path'
import { bytes } from '../../../src/core/format.ts'
import { buildPackage, projectRoot } from './build.ts'
import { architectureOf } from './node-runtime.ts'

// main.ts ARCHITECTURE: builds dist/package/omada-host_VERSION_ARCHITECTURE.deb and says where it is.
const architecture = architectureOf(process.argv[2] ?? '')
const { path, bytes: size } = await buildPackage({ architecture, outdir: join(projectRoot, 'dist', 'package') })
console.log(`built ${path} (${bytes(size)})`)
