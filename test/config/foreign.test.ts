import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readConfigFile } from '../../src/config/file.ts'
import { loadConfig } from '../../src/config/load.ts'
import { ApplianceError, ApplianceErrors, type Fault } from '../../src/core/errors.ts'
import { imageEnvironment } from '../../src/omada/environment.ts'
import { faultsOf } from './faults.ts'

const cases = join(import.meta.dirname, 'cases')
let directory = ''
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'omada-host-foreign-'))
})
afterAll(() => rm(directory, { recursive: true }))

async function loadFile(path: string) {
  return loadConfig({ path, env: {}, text: await readConfigFile(path, { required: true }) })
}

async function faultsOfFile(path: string): Promise<readonly Fault[]> {
  const error = await loadFile(path).then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (error instanceof ApplianceErrors) return error.faults
  if (error instanceof ApplianceError) return [error.fault]
  throw new Error(`${path} was accepted`)
}

test.each([
  ['nbsp.yaml', 'nbsp.yaml, line 2, column 1: the invisible character U+00A0 (no-break space) is no space to YAML'],
  ['utf16le.yaml', 'utf16le.yaml is not in UTF-8 but in UTF-16LE'],
  ['html.yaml', 'html.yaml is a web page, not a configuration of omada-host'],
  ['compose.yaml', 'compose.yaml is a compose file (it has services), not a configuration of omada-host'],
])('%s has one fault, which says what it is', async (name, expected) => {
  const faults = await faultsOfFile(join(cases, name))
  expect(faults).toMatchObject([{ code: 'CONFIG_SYNTAX', message: expect.stringContaining(expected) }])
})

test('a list and numbers are taken as variables of the image', async () => {
  const listed = await loadFile(join(cases, 'environment-list.yaml'))
  expect(listed.config.controller.environment).toEqual({ PUID: '508', SHOW_MONGODB_LOGS: 'true' })
  const numbered = await loadFile(join(cases, 'environment-number.yaml'))
  expect(numbered.config.controller.environment).toEqual({ SHOW_SERVER_LOGS: 'true', PUID: '508' })
})

test('a password that the image would change is given to it encoded', async () => {
  const { config } = await loadFile(join(cases, 'mongo-shell.yaml'))
  const set = imageEnvironment({ timezone: 'UTC', memory: {}, databaseUri: config.mongo.uri, user: {} })
  expect(set.EAP_MONGOD_URI).toBe('mongodb://omada:pa%24sword%7E1%3Bx@192.0.2.53:27017/omada')
})

const text = 'controller:\n  name: grün\n'

test.each([
  ['UTF-16LE with its mark', Buffer.from(`\uFEFF${text}`, 'utf16le'), 'is not in UTF-8 but in UTF-16LE'],
  ['UTF-16BE', Buffer.from(text, 'utf16le').swap16(), 'is not in UTF-8 but in UTF-16BE'],
  ['Latin-1', Buffer.from(text, 'latin1'), 'line 2, column 11: not UTF-8 text'],
  ['a picture', Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex'), 'not UTF-8 text'],
  ['a NUL', Buffer.from('log:\n  level: \0'), 'line 2, column 10: not UTF-8 text'],
])('%s is told by its encoding', async (name, bytes, expected) => {
  const path = join(directory, name)
  await writeFile(path, bytes)
  expect(await faultsOfFile(path)).toMatchObject([
    { code: 'CONFIG_SYNTAX', message: expect.stringContaining(expected), remedy: expect.stringContaining('iconv -f') },
  ])
})

test("a byte order mark of UTF-8, and U+FFFD as somebody's text, do no harm", async () => {
  const path = join(directory, 'marked.yaml')
  await writeFile(path, '\uFEFFcontroller:\n  environment: {NOTE: "\uFFFD"}\n')
  expect((await loadFile(path)).config.controller.environment).toEqual({ NOTE: '\uFFFD' })
})

test.each([
  [
    'a zero width space after a value',
    'controller:\n  name: omada\u200B',
    'line 2, column 14: the invisible character U+200B',
  ],
  ['a narrow no-break space', 'log:\u202F{}', 'line 1, column 5: the invisible character U+202F'],
  ['a second byte order mark', '\uFEFF\uFEFFlog: {}', 'U+FEFF'],
  ['XML', '<settings><a/></settings>', 'is XML'],
  ['a Quadlet', '# mine\n[Container]\nImage=x\n', 'is a unit of systemd or Podman'],
  ['a command', 'docker run -d --name omada -e TZ=UTC \\\n  x', 'is a command line'],
  ['a manifest', 'apiVersion: v1\nkind: Pod\n', 'is a Kubernetes manifest'],
])('%s is told as what it is', (_, given, expected) => {
  expect(faultsOf(given)).toMatchObject([{ code: 'CONFIG_SYNTAX', message: expect.stringContaining(expected) }])
})

test('an invisible character in quotes or in a comment is not to blame', () => {
  const given = 'log: {level: loud} # ein\u00A0Kommentar\ncontroller: {environment: {A: "b\u00A0c"}}'
  expect(faultsOf(given)).toMatchObject([{ message: expect.stringContaining('log.level') }])
})
