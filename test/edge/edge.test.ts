import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { pathsBelow } from '../../src/ipc/paths.ts'
import { temporaryDirectory } from '../ipc/fixtures.ts'
import { waitFor } from '../support/wait-for.ts'
import { freePorts } from './discovery/support/peer.ts'
import { freePort } from './proxy/support.ts'

const main = fileURLToPath(new URL('../diagnosis/netcheck/edge-main.ts', import.meta.url))

/** All its modules are read first, which takes long where everything else runs, too. */
const startMilliseconds = 60_000

test.each([
  ['in order', 'SIGTERM', false],
  ['out of order', 'SIGKILL', true],
] as const)(
  'what an edge kept that ends %s, by %s, is left: %s',
  async (_, signal, left) => {
    await using directory = await temporaryDirectory()
    const { edgeKeptFile } = pathsBelow(directory.path, directory.path)
    const config = {
      discovery: { ports: await freePorts(1) },
      proxy: { ports: [await freePort()], listen: '0.0.0.0' },
      status: { port: await freePort() },
      // By no network of this machine: so nobody there is asked for other appliances.
      access: { devices: ['127.0.0.0/8'] },
    }
    const edge = spawn(process.execPath, [main, JSON.stringify(config), directory.path], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const exited = once(edge, 'exit', { signal: AbortSignal.timeout(startMilliseconds + 20_000) })
    try {
      let said = ''
      edge.stdout.on('data', (chunk: Buffer) => {
        said += chunk.toString()
      })
      await waitFor(() => expect(said).toContain('the edge serves now'), { timeout: startMilliseconds })
      await waitFor(() => expect(existsSync(edgeKeptFile)).toBe(true))
      edge.kill(signal)
      expect(await exited).toEqual(left ? [null, signal] : [0, null])
    } finally {
      edge.kill('SIGKILL')
    }
    expect(existsSync(edgeKeptFile)).toBe(left)
  },
  120_000,
)
