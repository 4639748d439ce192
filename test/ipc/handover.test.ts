import { chmod, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { configSchema } from '../../src/config/schema.ts'
import { systemClock } from '../../src/core/clock.ts'
import { edgePart, HandoverFile, readHandover } from '../../src/ipc/handover.ts'
import { silent, soon, temporaryDirectory } from './fixtures.ts'

const config = configSchema.parse({
  mongo: { uri: 'mongodb://user:secret@db/omada' },
  controller: { environment: { PASSWORD: 'secret' } },
  status: { port: 8091 },
})
const certificate = { cert: 'CERT', key: 'KEY' }

test('the edge gets what it needs, and no secret of the database or the image', async () => {
  await using directory = await temporaryDirectory()
  const path = join(directory.path, 'omada-host', 'edge.json')
  const file = new HandoverFile({ path, part: edgePart(config, certificate), logger: silent, clock: systemClock })
  await file.start(soon())
  const text = await readFile(path, 'utf8')
  expect(text).not.toContain('secret')
  // Exactly: whatever the umask.
  expect((await stat(path)).mode & 0o777).toBe(0o640)
  const part = await readHandover(path)
  expect(part?.config.status.port).toBe(8091)
  expect(part?.certificate).toEqual(certificate)

  await file.publish(edgePart(configSchema.parse({}), undefined))
  expect((await readHandover(path))?.config.status.port).toBe(8090)
  await file.stop()
  await file.stop()
  expect(await readdir(join(directory.path, 'omada-host'))).toEqual([])
  expect(await readHandover(path)).toBeUndefined()
})

test('what another version handed over is as good as nothing', async () => {
  await using directory = await temporaryDirectory()
  const path = join(directory.path, 'edge.json')
  await writeFile(path, JSON.stringify({ stateVersion: 0, config }))
  expect(await readHandover(path)).toBeUndefined()
  await writeFile(path, 'null')
  expect(await readHandover(path)).toBeUndefined()
})

test('what cannot be read is told with what to do', async () => {
  await using directory = await temporaryDirectory()
  await chmod(directory.path, 0o755)
  await expect(readHandover(directory.path)).rejects.toMatchObject({ code: 'CONFIG_UNREADABLE' })
})
