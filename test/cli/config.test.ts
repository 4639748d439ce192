import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { run } from './context.ts'

let directory = ''
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'omada-host-cli-'))
})
afterAll(() => rm(directory, { recursive: true }))

async function file(text: string): Promise<string> {
  const path = join(directory, 'config.yaml')
  await writeFile(path, text)
  return path
}

test('a good file is said to be fine', async () => {
  const path = await file('log: {level: warn}')
  expect(await run(['--config', path, 'config', 'check'])).toEqual({ code: 0, out: `${path} is fine\n`, err: '' })
})

test('--config is taken after the command too, and from OMADA_HOST_CONFIG', async () => {
  const path = await file('log: {level: warn}')
  expect(await run(['config', 'check', '--config', path])).toMatchObject({ code: 0, out: `${path} is fine\n` })
  const env = { OMADA_HOST_CONFIG: path }
  expect(await run(['config', 'check'], { env })).toMatchObject({ code: 0, out: `${path} is fine\n` })
})

test('every fault is told with its code and remedy, and the exit code is 78', async () => {
  const path = await file('log: {level: loud}\nnetwrk: {}\n')
  const { code, out, err } = await run(['--config', path, 'config', 'check'])
  expect({ code, out }).toEqual({ code: 78, out: '' })
  expect(err.split('\n')).toEqual([
    `error [CONFIG_INVALID] log.level (${path}:1) is "loud"; accepted: trace, debug, info, warn, error or silent`,
    '  fix: change log.level in the configuration',
    expect.stringContaining(`error [CONFIG_INVALID] "netwrk" (${path}:2) is not a section`),
    '  fix: write network instead',
    '',
  ])
})

test('what comes from the file cannot command the terminal', async () => {
  const path = await file('"\\e[2Jevil\\r\\n\\u009b1m": 1')
  const { err } = await run(['--config', path, 'config', 'check'])
  expect(err).toContain('evil')
  expect(err.replaceAll('\n', '')).not.toMatch(/\p{Cc}/u)
})

test('an absent file is an error only when it was named', async () => {
  const path = join(directory, 'absent.yaml')
  expect(await run(['--config', path, 'config', 'check'])).toMatchObject({
    code: 78,
    err: expect.stringContaining(
      `error [CONFIG_UNREADABLE] the configuration ${path} cannot be read: it does not exist`,
    ),
  })
})

test('a warning goes to stderr and keeps the exit code', async () => {
  const path = await file('controller: {image: mbentley/omada-controller}')
  expect(await run(['--config', path, 'config', 'check'])).toMatchObject({
    code: 0,
    err: expect.stringMatching(/^warning controller.image is .*version 5/),
  })
})

test('show prints values and sources, for people and for programs', async () => {
  const path = await file('log:\n  level: warn\n')
  const env = { OMADA_HOST_MONGO_URI: 'mongodb://u:hunter2@db/omada' }
  const people = await run(['--config', path, 'config', 'show'], { env })
  expect(people.out).toContain(`  level: warn # ${path}:2\n`)
  expect(people.out).toContain('mongodb://(redacted)@db/omada')
  const programs = await run(['--config', path, 'config', 'show', '--json'], { env })
  expect(JSON.parse(programs.out)).toContainEqual({
    path: 'log.level',
    value: 'warn',
    source: { kind: 'file', path, line: 2 },
  })
  expect(people.out + programs.out).not.toContain('hunter2')
})

test('schema prints JSON Schema', async () => {
  const { code, out } = await run(['config', 'schema'])
  expect(code).toBe(0)
  expect(JSON.parse(out)).toMatchObject({ title: 'omada-host configuration', type: 'object' })
})
