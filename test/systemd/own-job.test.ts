import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { systemClock } from '../../src/core/clock.ts'
import { createLogger } from '../../src/core/logger.ts'
import { decideByOwnJob, keepStarted, serviceOf } from '../../src/systemd/own-job.ts'

let directory = ''
const lines: string[] = []
const logger = createLogger({ level: 'debug', format: 'journal', write: (line) => lines.push(line) })

beforeEach(async () => {
  lines.length = 0
  directory = await mkdtemp(join(tmpdir(), 'omada-host-job-'))
  vi.stubEnv('PATH', `${directory}${delimiter}${process.env.PATH}`)
})
afterEach(async () => {
  vi.unstubAllEnvs()
  await rm(directory, { recursive: true })
})

/** A systemctl that knows one unit and its job, and writes down what it is asked. */
async function systemctl(job: string, type: string): Promise<void> {
  await program(`
printf '%s|' "$@" >>"${directory}/calls"; echo >>"${directory}/calls"
case "$2 $5" in
  "--property=Job omada-host.service") echo '${job}' ;;
  "--property=JobType 4711") echo '${type}' ;;
  *) echo "unknown: $*" >&2; exit 4 ;;
esac`)
}

async function program(script: string): Promise<void> {
  const path = join(directory, 'systemctl')
  await writeFile(path, `#!/bin/sh\n${script}\n`)
  await chmod(path, 0o755)
}

const inService = async () => '0::/system.slice/omada-host.service\n'
const decide = (readCgroups = inService) => decideByOwnJob({ logger, readCgroups })

test.each([
  ['stop', 'stop'],
  ['restart', 'leave'],
  ['try-restart', 'leave'],
  ['start', 'leave'],
  ['reload', 'leave'],
  ['something new', 'leave'],
])('a job of type %s: %s', async (type, expected) => {
  await systemctl('4711', type)
  expect(await decide()).toBe(expected)
  expect(await readFile(join(directory, 'calls'), 'utf8')).toBe(
    'show|--property=Job|--value|--|omada-host.service|\nshow|--property=JobType|--value|--|4711|\n',
  )
})

test.each(['', '0'])('no job (%j): somebody else sent the signal, and the controller runs on', async (none) => {
  await systemctl(none, 'stop')
  expect(await decide()).toBe('leave')
  expect(await readFile(join(directory, 'calls'), 'utf8')).not.toContain('JobType')
})

test('a systemctl that fails, hangs or is not there: the controller runs on, and it is told', async () => {
  await program('echo "Failed to connect to bus" >&2; exit 1')
  expect(await decide()).toBe('leave')
  expect(lines.at(-1)).toMatch(/<4>.*so the controller runs on: .*Failed to connect to bus/)
  await program('exec sleep 30')
  expect(await decide()).toBe('leave')
  vi.stubEnv('PATH', join(directory, 'nothing'))
  expect(await decide()).toBe('leave')
  expect(lines.at(-1)).toContain('systemctl is not installed')
})

test('outside of a service nobody is asked', async () => {
  await systemctl('4711', 'stop')
  expect(await decide(async () => '0::/user.slice/user-0.slice/session-1.scope\n')).toBe('leave')
  await expect(readFile(join(directory, 'calls'))).rejects.toThrow('ENOENT')
})

test.each([
  ['0::/system.slice/omada-host.service\n', 'omada-host.service'],
  ['0::/system.slice/omada-host.service/below\n', undefined],
  ['4:memory:/x.service\n1:name=systemd:/system.slice/y.service\n0::/\n', 'y.service'],
  ['0::/\n', undefined],
  ['', undefined],
])('the service of %j is %s', (text, service) => {
  expect(serviceOf(text)).toBe(service)
})

test('a unit is kept started past the queue, over refusals, until it is needed no more', async () => {
  const path = join(directory, 'calls')
  await program(`printf '%s|' "$@" >>"${path}"; echo >>"${path}"; echo "Unit podman.service not found." >&2; exit 5`)
  const over = new AbortController()
  let slept = 0
  const sleep = async () => {
    slept += 1
    if (slept === 3) over.abort()
  }
  await keepStarted('podman.service', { logger, clock: { ...systemClock, sleep }, signal: over.signal })
  const call = 'start|--job-mode=ignore-dependencies|--|podman.service|\n'
  expect(await readFile(path, 'utf8')).toBe(call.repeat(3))
  expect(lines.at(-1)).toMatch(/<7>.*podman\.service cannot be started: .*not found/)
})
