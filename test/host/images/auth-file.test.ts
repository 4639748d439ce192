import { execFileSync } from 'node:child_process'
import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { registryLogin } from '../../../src/host/images/auth-file.ts'

let directory = ''
let path = ''
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'omada-host-auth-'))
  path = join(directory, 'auth.json')
})
afterAll(() => rm(directory, { recursive: true }))

const auth = (text: string) => ({ auth: Buffer.from(text).toString('base64') })

async function loginFor(reference: string, content: object) {
  await writeFile(path, JSON.stringify(content))
  return await registryLogin(path, reference)
}

test.each([
  ['registry.example/a/b:1', { 'registry.example': auth('u:p') }, 'registry.example'],
  [
    'registry.example:5000/a/b:1',
    { 'registry.example': auth('x:y'), 'registry.example:5000': auth('u:p') },
    'registry.example:5000',
  ],
  [
    'registry.example/a/b:1',
    { 'registry.example': auth('x:y'), 'registry.example/a': auth('u:p') },
    'registry.example/a',
  ],
  ['mbentley/omada-controller:6.2', { 'https://index.docker.io/v1/': auth('u:p') }, 'https://index.docker.io/v1/'],
  ['docker.io/mbentley/omada-controller:6.2', { 'docker.io': auth('u:p') }, 'docker.io'],
])('for %s the login of the longest name is taken', async (reference, auths, serveraddress) => {
  expect(await loginFor(reference, { auths })).toEqual({ username: 'u', password: 'p', serveraddress })
})

test('a password may have colons, and another registry has no login', async () => {
  const content = { auths: { 'registry.example': auth('u:p:q') } }
  expect(await loginFor('registry.example/a:1', content)).toMatchObject({ username: 'u', password: 'p:q' })
  expect(await loginFor('other.example/a:1', content)).toBeUndefined()
  expect(await loginFor('other.example/a:1', {})).toBeUndefined()
})

test.each<[string, object, string]>([
  ['of one registry', { credHelpers: { 'registry.example': 'secretservice' } }, 'the credential helper secretservice'],
  ['of all', { credsStore: 'desktop' }, 'every login to the credential helper desktop'],
  ['beside an empty entry', { credsStore: 'pass', auths: { 'registry.example': {} } }, 'the credential helper pass'],
])('a credential helper %s is refused by its name', async (_, content, expected) => {
  await expect(loginFor('registry.example/a:1', content)).rejects.toMatchObject({
    code: 'REGISTRY_LOGIN',
    message: expect.stringContaining(expected),
    fault: { remedy: expect.stringContaining('podman login --authfile /etc/omada-host/auth.json registry.example') },
  })
})

test('what cannot be a file of logins is refused, without a word of what it holds', async () => {
  const refusal = async (file = path): Promise<unknown> =>
    await registryLogin(file, 'registry.example/a:1').catch((error: unknown) => error)
  await writeFile(path, 'S3cret')
  expect(await refusal()).toMatchObject({ code: 'REGISTRY_LOGIN', message: expect.not.stringContaining('S3cret') })
  await writeFile(path, JSON.stringify({ auths: { 'registry.example': auth('S3cret') } }))
  expect(await refusal()).toMatchObject({ message: expect.stringMatching(/has no user and password$/) })
  await truncate(path, 1_000_000)
  expect(await refusal()).toMatchObject({ message: expect.stringContaining('256 KiB') })
  expect(await refusal(join(directory, 'absent'))).toMatchObject({ message: expect.stringContaining('ENOENT') })
  const pipe = join(directory, 'pipe')
  execFileSync('mkfifo', [pipe])
  expect(await refusal(pipe)).toMatchObject({ message: expect.stringContaining('not a regular file') })
})
