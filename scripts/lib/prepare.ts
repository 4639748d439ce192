import { debianRoot } from '../../test/system/support/debian-root.ts'
import { noFerretdb } from '../../test/system/support/ferretdb.ts'
import { standinImageStore } from '../../test/system/support/images.ts'

// What the system tests need and would make themselves, ahead of them: it takes minutes, most of them of waiting for packages.
await Promise.all([standinImageStore(), debianRoot('podman').then(() => debianRoot('docker'))])
if (noFerretdb !== undefined) console.log(`${noFerretdb}: the stand-in's database is a listener that keeps nothing`)
