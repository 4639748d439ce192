import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type DescribedCommand, describedProgram } from '../../scripts/lib/package/commands.ts'
import { configPage } from '../../scripts/lib/package/config-page.ts'
import { programPage } from '../../scripts/lib/package/program-page.ts'
import { paragraph, roff } from '../../scripts/lib/package/roff.ts'
import { configKeys } from '../../src/config/keys.ts'

const run = promisify(execFile)
const version = '1.2.3'
const date = Date.UTC(2026, 0, 2) / 1000

let directory = ''
let program: DescribedCommand
const files = { program: '', config: '' }
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'omada-host-pages-'))
  files.program = join(directory, 'omada-host.8')
  files.config = join(directory, 'omada-host.yaml.5')
  const template = await readFile(new URL('../../scripts/lib/package/omada-host.8.in', import.meta.url), 'utf8')
  program = await describedProgram()
  await writeFile(files.program, programPage({ template, program, version, date }))
  await writeFile(files.config, configPage({ version, date }))
})
afterAll(() => rm(directory, { recursive: true, force: true }))

/** The page as people read it, in one long line each paragraph. */
async function shown(file: string): Promise<string> {
  const { stdout } = await run('man', ['--local-file', '--encoding=ascii', file], {
    env: { ...process.env, MANWIDTH: '1000', MAN_KEEP_FORMATTING: '', LC_ALL: 'C' },
  })
  return stdout.replace(/ +/g, ' ')
}

test.for(['program', 'config'] as const)(
  'man has nothing to say against the page of the %s',
  async (which, { skip }) => {
    if (!(await isInstalled('man'))) skip('man is not installed')
    const { stderr } = await run('man', ['--warnings', '--local-file', files[which]], { maxBuffer: 2 ** 24 })
    expect(stderr).toBe('')
  },
)

test.for(['program', 'config'] as const)(
  'mandoc has nothing to say against the page of the %s',
  async (which, { skip }) => {
    if (!(await isInstalled('mandoc'))) skip('mandoc is not installed')
    const said = await run('mandoc', ['-T', 'lint', files[which]]).catch((error: { stdout: string }) => error)
    expect(said.stdout).toBe('')
  },
)

test('the page of the configuration tells all there is about every key', async ({ skip }) => {
  if (!(await isInstalled('man'))) skip('man is not installed')
  const page = await shown(files.config)
  for (const { path, accepts, variable, meta } of configKeys) {
    expect.soft(page).toContain(`\n ${path}\n`)
    expect.soft(page).toContain(`\n Accepted: ${accepts}.\n`)
    expect.soft(page).toContain(`\n Variable: ${variable}\n`)
    expect.soft(page.toLowerCase()).toContain(`\n ${meta.description.toLowerCase()}.\n`)
  }
  expect(page).toContain('\n Default: [27001, 29810, 19810]\n')
  expect(page).toContain('\n Default: 17 3 * * *\n')
})

test('the page of the program tells every command and option', async ({ skip }) => {
  if (!(await isInstalled('man'))) skip('man is not installed')
  const page = await shown(files.program)
  for (const command of ['run', 'host', 'edge', 'status', 'logs', 'pull', 'doctor', 'config check', 'config schema']) {
    expect.soft(page).toMatch(new RegExp(`^ ${command}(?: |$)`, 'm'))
  }
  expect(page).toContain('\n logs [-f, --follow] [--tail LINES]\n')
  expect(page).toContain('\n --config FILE\n')
  expect(page).toContain(`omada-host ${version} 2026-01-02 OMADA-HOST(8)`)
})

test('the help that both are made from is read to its last option', () => {
  const config = program.commands.find(({ name }) => name === 'config')
  expect(config?.commands.map(({ name }) => name)).toEqual(['check', 'show', 'schema'])
  const logs = program.commands.find(({ name }) => name === 'logs')
  expect(logs?.options).toContainEqual({
    names: ['--tail'],
    value: 'lines',
    description: 'how many of the last lines (default: "200")',
  })
  expect(program.commands.map(({ name }) => name)).not.toContain('help')
})

test('nothing in a text is taken for a request or an escape', () => {
  expect(roff('.SH\n-a \\n ^~`')).toBe('\\&.SH\n\\-a \\en \\(ha\\(ti\\(ga')
  expect(roff("'br")).toBe('\\(aqbr')
  const long = paragraph(`${'word '.repeat(20)}.conf`)
  expect(Math.max(...long.split('\n').map((line) => line.length))).toBeLessThanOrEqual(85)
  expect(long).not.toMatch(/^\./m)
})

test('a template that asks for what there is not is refused', () => {
  expect(() => programPage({ template: '@OTHER@\n', program, version, date })).toThrow('@OTHER@')
})

async function isInstalled(name: string): Promise<boolean> {
  return await run('sh', ['-c', 'command -v "$1"', 'sh', name]).then(
    () => true,
    () => false,
  )
}
