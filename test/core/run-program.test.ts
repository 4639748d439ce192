import { readFile } from 'node:fs/promises'
import { afterEach, expect, test, vi } from 'vitest'
import { childEnvironment, runProgram } from '../../src/core/run-program.ts'
import { waitFor } from '../support/wait-for.ts'

afterEach(() => vi.unstubAllEnvs())

/** Runs a shell script. */
const sh = (script: string, options: Partial<Parameters<typeof runProgram>[1]> = {}) =>
  runProgram(['sh', '-c', script], { deadlineMilliseconds: 20_000, ...options })

test('gives what the program wrote, bytes as they are', async () => {
  expect(await sh("printf '\\377x'")).toEqual(Buffer.from([0xff, 0x78]))
})

test('has an environment of its own: PATH and what it may inherit, in English, nothing else', async () => {
  vi.stubEnv('OMADA_HOST_MONGO_URI', 'mongodb://user:secret@db')
  vi.stubEnv('HTTPS_PROXY', 'http://proxy:3128')
  vi.stubEnv('LC_ALL', 'de_DE.UTF-8')
  const lines = (await sh('env', { inherit: ['HTTPS_PROXY', 'NO_SUCH_VARIABLE'] })).toString().trim().split('\n')
  // PWD and the like are the shell's own.
  expect(lines.filter((line) => !/^(PWD|OLDPWD|SHLVL|_)=/.test(line)).sort()).toEqual([
    'HTTPS_PROXY=http://proxy:3128',
    'LC_ALL=C',
    `PATH=${process.env.PATH}:/usr/sbin:/sbin`,
  ])
  expect(childEnvironment([], { A: 'b' })).toEqual({ PATH: process.env.PATH, A: 'b' })
})

test('a failure is told by the first line on standard error, all of them are there, fit to show', async () => {
  await expect(sh("printf '\\n\\033[31mno\\nyes\\n' >&2; exit 3")).rejects.toMatchObject({
    name: 'ProgramError',
    kind: 'failed',
    message: 'sh: no',
    lines: ['no', 'yes'],
  })
  await expect(sh('exit 3')).rejects.toMatchObject({ kind: 'failed', message: 'sh: exit code 3', lines: [] })
  await expect(sh('kill -TERM $$')).rejects.toMatchObject({ kind: 'failed', message: 'sh: SIGTERM' })
})

test('a program that is not there, or may not be run', async () => {
  const options = { deadlineMilliseconds: 20_000 }
  await expect(runProgram(['no-such-program-here'], options)).rejects.toMatchObject({
    kind: 'absent',
    message: 'no-such-program-here is not installed',
  })
  await expect(runProgram(['/etc/passwd'], options)).rejects.toMatchObject({
    kind: 'failed',
    message: '/etc/passwd: EACCES',
  })
})

test('is killed at its deadline, whatever it does about signals', async () => {
  await expect(sh("trap '' TERM; echo $$ >&2; exec sleep 60", { deadlineMilliseconds: 500 })).rejects.toMatchObject({
    kind: 'late',
    message: 'sh did not end within 0.5 s',
  })
})

test('a program that says too much is ended', async () => {
  await expect(sh('while :; do echo yes; done', { maxBytes: 1000 })).rejects.toMatchObject({
    kind: 'failed',
    message: 'sh says more than the 1000 bytes that are read',
  })
})

test("is ended with the caller's signal, and rejects with its reason", async () => {
  const ending = new AbortController()
  const output = sh('exec sleep 60', { signal: ending.signal })
  ending.abort(new Error('over'))
  await expect(output).rejects.toThrow('over')
  await expect(sh('echo never', { signal: ending.signal })).rejects.toThrow('over')
})

test('what the signal ended does not run on', async () => {
  const ending = new AbortController()
  const path = `/tmp/omada-host-run-program-${process.pid}`
  const output = sh(`echo $$ >${path}; exec sleep 60`, { signal: ending.signal })
  const pid = await waitFor(async () => {
    const text = await readFile(path, 'utf8')
    if (!text.endsWith('\n')) throw new Error('not written yet')
    return Number(text)
  })
  ending.abort()
  await expect(output).rejects.toThrow('aborted')
  await waitFor(() => expect(() => process.kill(pid, 0)).toThrow('ESRCH'))
})
