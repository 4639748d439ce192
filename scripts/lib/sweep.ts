import { existsSync } from 'node:fs'
import { sweep } from '../../test/support/ledger.ts'
import { rootCache } from '../../test/system/support/debian-root.ts'

// What a test run that was killed left behind: namespaces, containers, processes, directories.
for (const prefix of ['omada-host-test-', 'omada-host-image-']) await sweep(prefix, '/var/tmp')
if (existsSync(rootCache)) await sweep('making-', rootCache)
