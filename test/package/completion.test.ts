import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { describedProgram } from '../../scripts/lib/package/commands.ts'
import { bashCompletion } from '../../scripts/lib/package/completion.ts'

const run = promisify(execFile)

let directory = ''
let script = ''
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'omada-host-completion-'))
  script = join(directory, 'omada-host')
  await writeFile(script, bashCompletion(await describedProgram()))
  await writeFile(join(directory, 'my.yaml'), '')
})
afterAll(() => rm(directory, { recursive: true, force: true }))

/** What bash offers for the last of `words`, when the completion was loaded as bash-completion does it. */
async function offered(...words: readonly string[]): Promise<readonly string[]> {
  const program = `
    set -eu
    source "$1"
    shift
    complete -p omada-host | grep -q -- '-F _omada_host omada-host'
    COMP_WORDS=(omada-host "$@") COMP_CWORD=$#
    _omada_host
    printf '%s\\n' "\${COMPREPLY[@]}"`
  const { stdout } = await run('bash', ['--norc', '-c', program, 'bash', script, ...words], { cwd: directory })
  return stdout.split('\n').filter((line) => line !== '')
}

test('every command is offered first', async () => {
  const commands = (await describedProgram()).commands.map(({ name }) => name)
  expect(commands).toContain('doctor')
  expect(await offered('')).toEqual(expect.arrayContaining(commands))
})

test.each([
  [['sta'], ['status', 'start']],
  [
    ['config', ''],
    ['check', 'show', 'schema', '-h', '--help'],
  ],
  [['config', 'sh'], ['show']],
  [
    ['status', '--'],
    ['--json', '--watch', '--help'],
  ],
  [['--config', 'my.yaml', 'logs', '--t'], ['--tail']],
  [['config', 'show', '--j'], ['--json']],
  [['help', 'doc'], ['doctor']],
  [['--config', 'my'], ['my.yaml']],
  [['logs', '--tail', ''], []],
  [['no-such-command', ''], []],
])('%j', async (words, wanted) => {
  expect(await offered(...words)).toEqual(wanted)
})
