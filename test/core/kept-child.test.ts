import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { systemClock } from '../../src/core/clock.ts'
import { KeptChild } from '../../src/core/kept-child.ts'
import { childEnvironment } from '../../src/core/run-program.ts'
import { runs } from '../support/health-process.ts'
import { waitFor } from '../support/wait-for.ts'

const never = new AbortController().signal
let directory = ''
const kept: KeptChild[] = []
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'kept-child-test-'))
})
afterEach(async () => {
  await Promise.all(kept.splice(0).map((child) => child.stop(AbortSignal.timeout(0))))
  await rm(directory, { recursive: true, force: true })
})

type Options = ConstructorParameters<typeof KeptChild>[0]

/** Keeps a command, and everything that is told of it. */
function keep(command: readonly string[], options: Partial<Options> = {}) {
  const ends: [how: string, retryMilliseconds: number | undefined][] = []
  const messages: unknown[] = []
  const child: KeptChild = new KeptChild({
    name: 'a child',
    clock: systemClock,
    command,
    environment: childEnvironment([]),
    output: 'read',
    ipc: false,
    backoff: { initialMilliseconds: 1, maxMilliseconds: 50 },
    ...options,
    events: {
      ended: (how, retryMilliseconds) => void ends.push([how, retryMilliseconds]),
      message: (message) => void messages.push(message),
      ...options.events,
    },
  })
  kept.push(child)
  return { child, ends, messages }
}
const node = (program: string) => [process.execPath, '-e', program]
const sh = (script: string) => ['sh', '-c', script]

test('a child with a channel: what is sent to each one, what it answers, its own environment', async () => {
  const program = node("process.on('message', (m) => process.send({ got: m, env: Object.keys(process.env) }))")
  const { child, messages } = keep(program, {
    ipc: true,
    environment: childEnvironment([], { ONLY: 'this' }),
    events: { started: () => child.send({ hello: 1 }) },
  })
  await child.start(never)
  const expected = { got: { hello: 1 }, env: expect.arrayContaining(['PATH', 'ONLY']) }
  await waitFor(() => expect(messages).toEqual([expected]))
  const { env } = messages[0] as { env: string[] }
  // Node itself takes away what the channel needs.
  expect(env.filter((name) => !['PATH', 'ONLY'].includes(name))).toEqual([])
  process.kill(child.pid ?? 0, 'SIGKILL')
  await waitFor(() => expect(messages).toEqual([expected, expected]))
})

test('is told to leave by SIGTERM, and its end is told once', async () => {
  const { child, ends, messages } = keep(
    node("process.on('SIGTERM', () => process.exit(7)); process.send('up'); setInterval(() => {}, 1000)"),
    { ipc: true },
  )
  await child.start(never)
  await waitFor(() => expect(messages).toEqual(['up']))
  const pid = child.pid ?? 0
  await child.stop(never)
  expect(ends).toEqual([['exit code 7', undefined]])
  expect(child.pid).toBeUndefined()
  expect(await runs(pid)).toBe(false)
  await child.stop(never)
  expect(ends).toHaveLength(1)
})

test('one that does not leave is killed at the deadline', async () => {
  const { child, ends } = keep(sh(`trap '' TERM; echo up >${directory}/up; while :; do sleep 60 & wait; done`))
  await child.start(never)
  await waitFor(() => readFile(join(directory, 'up')))
  await child.stop(AbortSignal.timeout(100))
  expect(ends).toEqual([['signal SIGKILL', undefined]])
})

test('dies and is started again, later each time, with its last words', async () => {
  const { child, ends } = keep(sh('echo one >&2; printf "\\033[1mtwo\\n" >&2; exit 3'), {
    backoff: { initialMilliseconds: 10, maxMilliseconds: 1000 },
  })
  await child.start(never)
  await waitFor(() => expect(ends.length).toBeGreaterThanOrEqual(4))
  expect(new Set(ends.map(([how]) => how))).toEqual(new Set(['exit code 3: two']))
  const waits = ends.map(([, wait]) => wait ?? 0)
  expect(waits[0]).toBeLessThanOrEqual(10)
  expect(waits[3]).toBeGreaterThan(60)
})

test('one that was well is followed soon again', async () => {
  let now = 0
  const { child, ends } = keep(['sleep', '60'], {
    clock: { ...systemClock, now: () => now },
    backoff: { initialMilliseconds: 16, maxMilliseconds: 1000 },
  })
  await child.start(never)
  /** Ends the child that runs now after so long a life. */
  const die = async (lifeMilliseconds: number) => {
    const { length } = ends
    await waitFor(() => expect(child.pid).toBeGreaterThan(0))
    now += lifeMilliseconds
    child.kill()
    await waitFor(() => expect(ends).toHaveLength(length + 1))
    return ends.at(-1)
  }
  await die(29_999)
  const [, second = 0] = (await die(29_999)) ?? []
  expect(second).toBeGreaterThan(16)
  const [how, third] = (await die(30_000)) ?? []
  expect(how).toBe('signal SIGKILL')
  expect(third).toBeLessThanOrEqual(16)
})

test('one that cannot be started says why, and is tried again', async () => {
  const { child, ends } = keep(['no-such-program-here'])
  await child.start(never)
  await waitFor(() => expect(ends.length).toBeGreaterThan(1))
  expect(ends[0]?.[0]).toBe('no-such-program-here is not installed')
  expect(child.pid).toBeUndefined()
})

test('what holds its standard error open does not hold up its end', async () => {
  const { child, ends } = keep(sh(`echo bye >&2; sleep 60 & echo $! >${directory}/pid; exit 3`), {
    backoff: { initialMilliseconds: 600_000, maxMilliseconds: 600_000 },
  })
  await child.start(never)
  await waitFor(() => expect(ends.map(([how]) => how)).toEqual(['exit code 3: bye']))
  process.kill(Number(await readFile(join(directory, 'pid'), 'utf8')))
})

test('a stop ends the wait for the next child, and a start that was cancelled starts none', async () => {
  const { child, ends } = keep(sh('exit 1'), {
    backoff: { initialMilliseconds: 600_000, maxMilliseconds: 600_000 },
  })
  await child.start(never)
  await waitFor(() => expect(ends).toHaveLength(1))
  await child.stop(never)
  expect(ends).toHaveLength(1)
  const other = keep(sh('exit 1'))
  await expect(other.child.start(AbortSignal.abort())).rejects.toThrow('aborted')
  await other.child.stop(never)
  expect(other.ends).toEqual([])
})
