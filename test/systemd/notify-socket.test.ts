import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, expect, test, vi } from 'vitest'
import { createLogger } from '../../src/core/logger.ts'
import { createNotifier } from '../../src/systemd/notify.ts'
import { waitFor } from '../support/wait-for.ts'

/** Prints every datagram of a unix socket as one line of JSON. Node has no unix datagram sockets. */
const listener = `
import json, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print("listening", flush=True)
while True:
    print(json.dumps(s.recv(4096).decode()), flush=True)
`

afterEach(() => vi.unstubAllEnvs())

test("systemd's own program brings every notification to the socket", async () => {
  execFileSync('systemd-notify', ['--version'])
  const directory = await mkdtemp(join(tmpdir(), 'omada-host-notify-'))
  const path = join(directory, 'notify.sock')
  const python = spawn('python3', ['-c', listener, path], { stdio: ['ignore', 'pipe', 'inherit'] })
  const received: string[] = []
  createInterface({ input: python.stdout }).on('line', (line) => received.push(line))
  try {
    await waitFor(() => expect(received).toEqual(['listening']))
    vi.stubEnv('NOTIFY_SOCKET', path)
    const lines: string[] = []
    const logger = createLogger({ level: 'debug', format: 'human', write: (line) => lines.push(line) })
    const notifier = createNotifier({ env: process.env, logger })
    await notifier.status('starting: MongoDB')
    await notifier.extendTimeout(30_000)
    await notifier.ready()
    await notifier.stopping()
    await waitFor(() => expect(received.join()).toContain('STOPPING=1'))
    const texts = received.slice(1).map((line) => String(JSON.parse(line)))
    const sent = texts.flatMap((text) => text.split('\n')).filter((line) => !/^(MAINPID|BARRIER=|$)/.test(line))
    expect(sent).toEqual(['STATUS=starting: MongoDB', 'EXTEND_TIMEOUT_USEC=30000000', 'READY=1', 'STOPPING=1'])
    expect(texts.join('\n')).toContain(`MAINPID=${process.pid}`)
    expect(lines).toEqual([])
  } finally {
    python.kill()
    await once(python, 'close')
    await rm(directory, { recursive: true })
  }
})
