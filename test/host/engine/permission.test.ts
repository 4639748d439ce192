import { once } from 'node:events'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { connect } from '../../../src/host/engine/connection.ts'

const nobody = 65534

test('an engine whose socket is closed to this user is told from one that is not there', async ({ skip }) => {
  skip(process.geteuid?.() !== 0, 'only root can become another user')
  const directory = await mkdtemp(join(tmpdir(), 'engine-permission-'))
  const path = join(directory, 'engine.sock')
  const engine = createServer((_, response) => response.end('{"ApiVersion":"1.41"}')).listen(path)
  try {
    await once(engine, 'listening')
    await chmod(directory, 0o755)
    await chmod(path, 0o600)
    const { signal } = new AbortController()
    await expect(connect([path], signal)).resolves.toMatchObject({ socket: path })
    process.seteuid?.(nobody)
    const refused = await connect([path], signal).catch((error: unknown) => error)
    process.seteuid?.(0)
    expect(refused).toMatchObject({ code: 'ENGINE_PERMISSION', message: expect.stringContaining(path) })
    expect(refused).toHaveProperty('remedy', expect.stringContaining('root'))
  } finally {
    process.seteuid?.(0)
    engine.close()
    await rm(directory, { recursive: true, force: true })
  }
})
