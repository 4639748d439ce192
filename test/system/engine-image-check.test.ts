import { createHash } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { configSchema } from '../../src/config/schema.ts'
import { systemClock } from '../../src/core/clock.ts'
import { createLogger } from '../../src/core/logger.ts'
import { imageCheckJob } from '../../src/host/images/image-check.ts'
import { Ledger } from '../support/ledger.ts'

const forever = new AbortController().signal
const imageDigest = `sha256:${'a'.repeat(64)}`
const index = JSON.stringify({
  schemaVersion: 2,
  mediaType: 'application/vnd.oci.image.index.v1+json',
  manifests: [
    {
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      size: 7,
      digest: imageDigest,
      platform: { architecture: 'amd64', os: 'linux' },
    },
  ],
})
const indexDigest = `sha256:${createHash('sha256').update(index).digest('hex')}`

const basic = `Basic ${Buffer.from('omada:S3cret').toString('base64')}`

/** As much of a registry as skopeo asks for, on loopback. */
const registry = createServer((request, response) => {
  // How to log in is asked for there, once for all of a registry.
  if (request.url === '/v2/') response.writeHead(401, { 'www-authenticate': 'Basic realm="registry"' }).end()
  else if (request.url?.startsWith('/v2/omada/private/') === true && request.headers.authorization !== basic) {
    response.writeHead(401, { 'www-authenticate': 'Basic realm="registry"' }).end()
  } else if (request.url?.startsWith('/v2/omada/limited/') === true) {
    response.writeHead(429, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ errors: [{ code: 'TOOMANYREQUESTS', message: 'pull rate limit' }] }))
  } else if (request.url?.startsWith('/v2/omada/big/') === true) response.end(`{"Tags":"${'x'.repeat(8_000_000)}"}`)
  else if (request.url?.includes('/tags/list') === true) {
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ name: 'omada/tiny', tags: ['6.2.1', '6.2.2', '6.2.10', '6.3.0', '6.2'] }))
  } else if (request.url?.includes('/manifests/') === true) {
    response.setHeader('content-type', 'application/vnd.oci.image.index.v1+json')
    response.end(index)
  } else response.end('{}')
})

let ledger: Ledger
let address: string

beforeAll(async () => {
  await new Promise<void>((resolve) => registry.listen(0, '127.0.0.1', resolve))
  address = `127.0.0.1:${(registry.address() as AddressInfo).port}`
  ledger = await Ledger.open('omada-host-check-')
  // skopeo 1.9 reads the user's configuration, wherever CONTAINERS_REGISTRIES_CONF points to.
  const directory = join(ledger.directory, '.config/containers')
  mkdirSync(directory, { recursive: true })
  writeFileSync(join(directory, 'registries.conf'), `[[registry]]\nlocation = "${address}"\ninsecure = true\n`)
  vi.stubEnv('HOME', ledger.directory)
})
afterAll(async () => {
  vi.unstubAllEnvs()
  registry.closeAllConnections()
  registry.close()
  await ledger?.close()
})

const check = async (image: string, current: string | undefined, images: { authFile?: string } = {}) => {
  const config = configSchema.parse({ controller: { image }, images })
  return await imageCheckJob({
    config,
    live: () => config,
    logger: createLogger({ level: 'silent', format: 'json', write: () => {} }),
    clock: systemClock,
    currentDigest: () => current,
    onResult: () => {},
    architecture: 'amd64',
  }).check(forever)
}

test.each([
  ['of the tag', () => indexDigest],
  ["of this machine's image in it", () => imageDigest],
])('an image in use with the digest %s is up to date', async (_, digest) => {
  const result = await check(`${address}/omada/tiny:6.2`, digest())
  expect(result).toEqual({ checkedAt: expect.any(String), newerTags: [] })
})

test('a tag that points to something new is told', async () => {
  const result = await check(`${address}/omada/tiny:6.2`, `sha256:${'b'.repeat(64)}`)
  expect(result.newDigest).toBe(indexDigest)
})

test('without an image in use there is nothing to compare with', async () => {
  expect(await check(`${address}/omada/tiny:6.2`, undefined)).not.toHaveProperty('newDigest')
})

test('newer tags of the same minor version are told, newest first', async () => {
  expect((await check(`${address}/omada/tiny:6.2.1`, indexDigest)).newerTags).toEqual(['6.2.10', '6.2.2'])
})

test('a registry that is not there is a fault in the result', async () => {
  const { fault } = await check('127.0.0.1:1/omada/tiny:6.2', indexDigest)
  expect(fault?.code).toBe('REGISTRY_UNREACHABLE')
  expect(fault?.message).toMatch(/omada\/tiny:6\.2 \(.*refused\)$/)
})

test('a registry that answers without end is a fault in the result', async () => {
  expect((await check(`${address}/omada/big:6.2`, indexDigest)).fault?.code).toBe('REGISTRY_UNREACHABLE')
})

test('a registry that limits, or wants a login, is told as that, and the login of the configured file opens it', async () => {
  expect((await check(`${address}/omada/limited:6.2`, indexDigest)).fault?.code).toBe('REGISTRY_LIMIT')
  const image = `${address}/omada/private:6.2`
  expect((await check(image, indexDigest)).fault?.code).toBe('REGISTRY_LOGIN')
  const authFile = join(ledger.directory, 'auth.json')
  writeFileSync(authFile, JSON.stringify({ auths: { [address]: { auth: basic.slice('Basic '.length) } } }))
  expect(await check(image, indexDigest, { authFile })).toEqual({ checkedAt: expect.any(String), newerTags: [] })
  writeFileSync(authFile, JSON.stringify({ credHelpers: { [address]: 'pass' } }))
  const { fault } = await check(image, indexDigest, { authFile })
  expect(fault).toMatchObject({ code: 'REGISTRY_LOGIN', message: expect.stringContaining('credential helper pass') })
})
