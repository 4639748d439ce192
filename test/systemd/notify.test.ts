import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createLogger } from '../../src/core/logger.ts'
import { createNotifier, type Notifier } from '../../src/systemd/notify.ts'

let directory = ''
const lines: string[] = []
const logger = createLogger({ level: 'debug', format: 'journal', write: (line) => lines.push(line) })

beforeEach(async () => {
  lines.length = 0
  directory = await mkdtemp(join(tmpdir(), 'omada-host-notify-'))
  vi.stubEnv('PATH', `${directory}${delimiter}${process.env.PATH}`)
})
afterEach(async () => {
  vi.unstubAllEnvs()
  await rm(directory, { recursive: true })
})

/** Puts a program named systemd-notify on the PATH that writes its arguments down, one call a line, and then does `more`. */
async function programThat(more: string): Promise<void> {
  const program = join(directory, 'systemd-notify')
  await writeFile(
    program,
    `#!/bin/sh\nprintf '%s|' "$@" >>"${directory}/calls"\necho >>"${directory}/calls"\n${more}\n`,
  )
  await chmod(program, 0o755)
}

async function calls(): Promise<string[]> {
  const text = await readFile(join(directory, 'calls'), 'utf8').catch(() => '')
  return text.split('\n').slice(0, -1)
}

function notifier(): Notifier {
  return createNotifier({ env: { NOTIFY_SOCKET: join(directory, 'notify.sock') }, logger })
}

const pid = `--pid=${process.pid}|`

test('tells every kind of notification, in order, one at a time', async () => {
  await programThat('sleep 0.05')
  const systemd = notifier()
  void systemd.status('pulling')
  void systemd.extendTimeout(90_000)
  void systemd.ready()
  void systemd.watchdog()
  await systemd.stopping()
  expect(await calls()).toEqual([
    `${pid}--status=pulling|`,
    `${pid}EXTEND_TIMEOUT_USEC=90000000|`,
    `--ready|${pid}`,
    `${pid}WATCHDOG=1|`,
    `${pid}STOPPING=1|`,
  ])
})

test('a status that waits is replaced by a newer one', async () => {
  await programThat('sleep 0.05')
  const systemd = notifier()
  void systemd.ready()
  const all = Array.from({ length: 100 }, (_, i) => systemd.status(`status ${i}`))
  await Promise.all(all)
  expect(await calls()).toEqual([`--ready|${pid}`, `${pid}--status=status 99|`])
  await systemd.status('later')
  expect(await calls()).toHaveLength(3)
})

test('a status is one line: a line break would set another variable', async () => {
  await programThat('')
  await notifier().status(`a\nREADY=1\u0000b${'x'.repeat(500)}`)
  const [call = ''] = await calls()
  expect(call).toMatch(/^--pid=\d+\|--status=a READY=1bx+…\|$/)
  expect(call.length).toBeLessThan(450)
})

test('a program that fails is logged, and the next call still runs', async () => {
  await programThat('echo no such socket >&2; exit 1')
  const systemd = notifier()
  await systemd.ready()
  await systemd.stopping()
  expect(await calls()).toHaveLength(2)
  expect(lines).toEqual([
    expect.stringMatching(/^<4>systemd was not notified: no such socket/),
    expect.stringMatching(/^<4>systemd was not notified: .*no such socket/),
  ])
})

test('a program that is not there is logged', async () => {
  vi.stubEnv('PATH', directory)
  await notifier().ready()
  expect(lines).toEqual([expect.stringMatching(/systemd was not notified: .*ENOENT/)])
})

test('a program that hangs is given up', { timeout: 30_000 }, async () => {
  await programThat('[ "$1" = --ready ] && exec sleep 8')
  const systemd = notifier()
  void systemd.ready()
  await systemd.watchdog()
  expect((await calls()).at(-1)).toBe(`${pid}WATCHDOG=1|`)
  expect(lines[0]).toMatch(/systemd was not notified: .*timeout/)
})

test('without systemd nothing is run', async () => {
  await programThat('')
  const silent = createNotifier({ env: {}, logger })
  await Promise.all([silent.ready(), silent.status('x'), silent.stopping(), silent.watchdog(), silent.extendTimeout(1)])
  expect(await calls()).toEqual([])
  expect(lines).toEqual([])
})
