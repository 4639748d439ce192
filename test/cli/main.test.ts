import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, expect, test } from 'vitest'
import { temporaryDirectory } from '../ipc/fixtures.ts'
import { waitFor } from '../support/wait-for.ts'
import { type Appliance, startAppliance } from './appliance.ts'

const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
const children: ChildProcess[] = []

afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
})

interface Program {
  readonly child: ChildProcess
  readonly ended: Promise<{ code: number | null; signal: string | null }>
  text(): string
}

/** Runs the program as a process of its own. */
function start(
  argv: readonly string[],
  options: { node?: readonly string[]; ipc?: boolean; env?: Readonly<Record<string, string>> } = {},
): Program {
  const child = spawn(process.execPath, [...(options.node ?? []), main, ...argv], {
    env: { ...process.env, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe', ...(options.ipc === true ? (['ipc'] as const) : [])],
  })
  children.push(child)
  let text = ''
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => (text += chunk))
  // A child whose channel the parent closed never emits 'close'.
  const ended = once(child, options.ipc === true ? 'exit' : 'close').then(([code, signal]) => ({ code, signal }))
  return { child, ended, text: () => text }
}

/** `status --watch`, once it has printed something. */
async function watching(appliance: Appliance, node: readonly string[] = []): Promise<Program> {
  const program = start(['status', '--watch', '--runtime-dir', appliance.runtimeDirectory], { node })
  await waitFor(() => expect(program.text()).toContain('every probe succeeds'), { timeout: 45_000 })
  return program
}

test('the exit code is that of the command', async () => {
  expect(await start(['version']).ended).toEqual({ code: 0, signal: null })
  const wrong = start(['nonsense'])
  expect(await wrong.ended).toEqual({ code: 2, signal: null })
  expect(wrong.text()).toContain('error [USAGE]')
})

test('no child inherits our own variables, not even that of a library', async () => {
  await using directory = await temporaryDirectory()
  const { path } = directory
  const seen = join(path, 'environment')
  await writeFile(join(path, 'systemd-notify'), `#!/bin/sh\nenv >"${seen}.new" && mv "${seen}.new" "${seen}"\n`, {
    mode: 0o755,
  })
  const env = {
    PATH: `${path}:${process.env.PATH}`,
    NOTIFY_SOCKET: '/run/nobody',
    OMADA_HOST_MONGO_URI: 'mongodb://user:s3cret@db/omada',
  }
  // It tells systemd that it waits for its host.
  const edge = start(['edge', '--runtime-dir', path, '--state-dir', path], { env })
  await waitFor(() => readFile(seen, 'utf8').then((text) => expect(text).toContain('NOTIFY_SOCKET')), {
    timeout: 45_000,
  })
  expect(await readFile(seen, 'utf8')).not.toMatch(/s3cret|OMADA_HOST_/)
  edge.child.kill('SIGTERM')
  await edge.ended
})

test.each(['SIGINT', 'SIGTERM'] as const)('%s ends a command in order', async (signal) => {
  await using appliance = await startAppliance()
  const program = await watching(appliance)
  program.child.kill(signal)
  expect(await program.ended).toEqual({ code: 0, signal: null })
})

test('two signals are as good as one', async () => {
  await using appliance = await startAppliance()
  const program = await watching(appliance)
  // Both are there when it goes on: the second must not come when the process has ended but for its exit.
  for (const signal of ['SIGSTOP', 'SIGINT', 'SIGTERM', 'SIGCONT'] as const) program.child.kill(signal)
  expect(await program.ended).toEqual({ code: 0, signal: null })
})

test('a reader that has enough ends the command quietly', async () => {
  await using appliance = await startAppliance({
    logs: async function* ({ signal }) {
      while (!signal.aborted) {
        yield 'line'
        await new Promise((resolve) => setTimeout(resolve, 5))
      }
    },
  })
  const program = start(['logs', '-f', '--runtime-dir', appliance.runtimeDirectory])
  await once(program.child.stdout ?? program.child, 'data')
  program.child.stdout?.destroy()
  expect(await program.ended).toEqual({ code: 0, signal: null })
  expect(program.text().replaceAll('line\n', '')).toBe('')
})

test.each([
  ['an exception that nobody catches', 'throw new Error("boom\\u001b[2J\\u009bH")'],
  ['a rejection that nobody catches', 'Promise.reject(new Error("boom\\u001b[2J\\u009bH"))'],
])('%s is told, and the command ends in order with 1', async (_, statement) => {
  await using appliance = await startAppliance()
  // Once it is at work, which is when it prints first.
  const defect = `const { stdout } = process
    const { write } = stdout
    stdout.write = (...data) => {
      stdout.write = write
      setTimeout(() => { ${statement} })
      return stdout.write(...data)
    }`
  const program = await watching(appliance, ['--import', `data:text/javascript,${encodeURIComponent(defect)}`])
  expect(await program.ended).toEqual({ code: 1, signal: null })
  expect(program.text()).toMatch(/error \[INTERNAL\] .*Error: boom/s)
  expect(program.text()).not.toMatch(/[^\P{Cc}\n]/u)
})

test('the probe talks over its channel, and ends when that closes', async () => {
  const program = start(['probe'], { ipc: true })
  const messages: unknown[] = []
  program.child.on('message', (message) => messages.push(message))
  program.child.send({ type: 'configure', driver: 'current' })
  await waitFor(() => expect(messages).toEqual([{ type: 'ready' }]))
  program.child.disconnect()
  expect(await program.ended).toEqual({ code: 0, signal: null })
})

test('an edge whose parent goes while it waits for its host ends', async () => {
  await using directory = await temporaryDirectory()
  const program = start(['edge', '--runtime-dir', directory.path], { ipc: true })
  await waitFor(() => expect(program.text()).toContain('waiting for omada-host'))
  program.child.disconnect()
  expect(await program.ended).toMatchObject({ signal: null })
})
