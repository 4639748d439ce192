import { execFile } from 'node:child_process'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { systemClock } from '../../src/core/clock.ts'
import { KeptPart } from '../../src/edge/kept-part.ts'
import { silent, temporaryDirectory } from '../ipc/fixtures.ts'
import { edgePart } from '../support/channel.ts'
import { waitFor } from '../support/wait-for.ts'

const main = fileURLToPath(new URL('./support/full-disk-main.ts', import.meta.url))

test('of parts that come faster than they are written the last one is kept, and nothing else is left', async () => {
  await using directory = await temporaryDirectory()
  const path = join(directory.path, 'edge', 'in-force.json')
  const version = edgePart().stateVersion
  const kept = new KeptPart({ path, version, logger: silent, clock: systemClock })
  expect(await kept.read()).toBeUndefined()
  for (let port = 8001; port <= 8020; port += 1) kept.keep(edgePart({ status: { port } }))
  await waitFor(async () => expect((await kept.read())?.config.status.port).toBe(8020))
  await kept.stop()
  expect(await readdir(join(directory.path, 'edge'))).toEqual(['in-force.json'])
  await kept.forget()
  expect(await readdir(join(directory.path, 'edge'))).toEqual([])
  await kept.forget()
})

test.runIf(process.getuid?.() === 0)(
  'on a full disk what was kept stays whole, it is said once, and the new one is kept when there is room',
  async () => {
    await using directory = await temporaryDirectory()
    const script = 'mount -t tmpfs -o size=64k tmpfs "$1" && exec "$2" "$3" "$1/in-force.json"'
    const argv = ['--mount', 'sh', '-c', script, 'sh', directory.path, process.execPath, main]
    const { stdout } = await promisify(execFile)('unshare', argv, { timeout: 50_000 })
    const { whileFull, files, lines } = JSON.parse(stdout)
    expect(whileFull).toEqual({ whole: true, said: 1 })
    expect(files).toEqual(['in-force.json'])
    expect(lines).toEqual([
      expect.stringMatching(/ERROR .*it is tried again.*DISK_FULL/),
      expect.stringMatching(/kept again/),
    ])
  },
)
