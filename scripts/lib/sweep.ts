import { sweep } from '../../test/support/ledger.ts'

// What a test run that was killed left behind: namespaces, containers, processes, directories.
for (const prefix of ['omada-host-test-', 'omada-host-image-']) await sweep(prefix, '/var/tmp')
