import { X509Certificate } from 'node:crypto'
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { CertificatePair } from '../../../../src/config/certificate.ts'
import { systemClock } from '../../../../src/core/clock.ts'
import { Warnings } from '../../../../src/core/warnings.ts'
import { loadCertificate, makeSelfSigned } from '../../../../src/edge/proxy/waiting-room/certificate.ts'
import { recordingLogger, temporaryDirectory } from '../support.ts'
import { get, startWaiting } from './support.ts'

const day = 24 * 3600 * 1000

function load(options: { stateDirectory: string; user?: () => Promise<CertificatePair | undefined>; wall?: number }) {
  const { logger, lines } = recordingLogger()
  const { stateDirectory, user = async () => undefined, wall } = options
  const clock = wall === undefined ? systemClock : { ...systemClock, wall: () => wall }
  const registry = new Warnings({ logger, clock })
  const warnings = registry.source({ name: 'waiting-room' })
  const loaded = loadCertificate({ logger, clock, dependencies: { certificate: user, stateDirectory, warnings } })
  const told = () => registry.list().map(({ code }) => code)
  return loaded.then((pair) => ({ lines, told: told(), pair, certificate: new X509Certificate(pair.cert) }))
}

test('a self-signed certificate is made at the first start and kept, readable by its owner only', async () => {
  const stateDirectory = temporaryDirectory()
  const first = await load({ stateDirectory })
  expect(first.certificate.checkHost('localhost')).toBe('localhost')
  expect(first.certificate.verify(first.certificate.publicKey)).toBe(true)
  expect(first.certificate.validToDate.getTime()).toBeGreaterThan(Date.now() + 365 * day)
  expect(first.certificate.validToDate.getTime() - first.certificate.validFromDate.getTime()).toBeLessThanOrEqual(
    825 * day,
  )
  expect(readdirSync(stateDirectory)).toEqual(['waiting-room.pem'])
  expect(statSync(join(stateDirectory, 'waiting-room.pem')).mode & 0o777).toBe(0o600)
  const second = await load({ stateDirectory })
  expect(second.certificate.fingerprint256).toBe(first.certificate.fingerprint256)
  expect([...first.lines, ...second.lines]).toEqual([])
})

test.each(['', 'garbage', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'])(
  'a kept certificate that cannot be read is made anew: %j',
  async (text) => {
    const stateDirectory = temporaryDirectory()
    writeFileSync(join(stateDirectory, 'waiting-room.pem'), text)
    const { certificate, lines } = await load({ stateDirectory })
    expect(readFileSync(join(stateDirectory, 'waiting-room.pem'), 'utf8')).toContain(certificate.toString().trim())
    expect(lines.join()).toContain('made anew')
  },
)

test('a kept certificate is made anew before it runs out, not because the clock is behind', async () => {
  const stateDirectory = temporaryDirectory()
  const first = await load({ stateDirectory })
  const behind = await load({ stateDirectory, wall: 0 })
  expect(behind.certificate.fingerprint256).toBe(first.certificate.fingerprint256)
  const later = await load({ stateDirectory, wall: first.certificate.validToDate.getTime() - day })
  expect(later.certificate.fingerprint256).not.toBe(first.certificate.fingerprint256)
})

test('a directory that cannot be written costs no more than a warning', async () => {
  const { certificate, lines } = await load({ stateDirectory: '/proc/nothing/here' })
  expect(certificate.checkHost('localhost')).toBe('localhost')
  expect(lines.join()).toContain('could not be kept')
})

test("the user's certificate is used and nothing is made", async () => {
  const stateDirectory = temporaryDirectory()
  const user = await makeSelfSigned({ hostname: 'controller.example' })
  const { pair, lines } = await load({ stateDirectory, user: async () => user })
  expect(pair).toEqual(user)
  expect(readdirSync(stateDirectory)).toEqual([])
  expect(lines).toEqual([])
})

test.each<[string, () => Promise<CertificatePair>]>([
  ['is not PEM', async () => ({ cert: 'nonsense', key: 'nonsense' })],
  [
    'has the key of another',
    async () => ({
      cert: (await makeSelfSigned({ hostname: 'a.example' })).cert,
      key: (await makeSelfSigned({ hostname: 'a.example' })).key,
    }),
  ],
  ['cannot be read', () => Promise.reject(new Error('EACCES: permission denied'))],
])('a user certificate that %s is a warning, and a self-signed one is used', async (_what, user) => {
  const { certificate, lines, told } = await load({ stateDirectory: temporaryDirectory(), user })
  expect(certificate.checkHost('localhost')).toBe('localhost')
  expect(told).toEqual(['CERTIFICATE_UNUSABLE'])
  expect(lines.join()).toContain('CERTIFICATE_UNUSABLE')
  expect(lines.join()).not.toContain('PRIVATE KEY')
})

test('visitors are shown the chosen certificate', async () => {
  const user = await makeSelfSigned({ hostname: 'controller.example' })
  const room = await startWaiting({ certificate: async () => user })
  const answer = await get(room.tls, { tls: true })
  expect(answer.status).toBe(503)
  expect(new X509Certificate(answer.certificate).fingerprint256).toBe(new X509Certificate(user.cert).fingerprint256)
})

test('a renewed certificate is shown from then on, and one that cannot be used is not', async () => {
  const made = await Promise.all(['old', 'new'].map((name) => makeSelfSigned({ hostname: `${name}.example` })))
  const [first, second] = made.map(({ cert }) => new X509Certificate(cert).fingerprint256)
  let [user] = made
  const room = await startWaiting({ certificate: async () => user })
  const shown = async () => new X509Certificate((await get(room.tls, { tls: true })).certificate).fingerprint256
  expect(await shown()).toBe(first)
  ;[, user] = made
  await room.proxy.renewCertificate()
  expect(await shown()).toBe(second)
  user = { cert: 'nonsense', key: 'nonsense' }
  await room.proxy.renewCertificate()
  expect(await shown()).toBe(second)
  expect(room.lines.join()).toContain('CERTIFICATE_UNUSABLE')
  expect(room.lines.join()).toContain('the waiting room keeps the one that it has')
})

test('without openssl the fault says so and names the package', async () => {
  const path = process.env.PATH
  process.env.PATH = '/nonexistent'
  try {
    await expect(makeSelfSigned({ hostname: 'a.example' })).rejects.toMatchObject({
      code: 'CERTIFICATE_UNUSABLE',
      message: expect.stringContaining('openssl is not installed'),
      remedy: 'apt-get install openssl',
    })
  } finally {
    process.env.PATH = path
  }
})
