import { execFileSync } from 'node:child_process'
import { createPrivateKey, generateKeyPairSync, X509Certificate } from 'node:crypto'
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, expect, onTestFinished, test } from 'vitest'
import type { CertificatePair } from '../../src/config/certificate.ts'
import { configSchema } from '../../src/config/schema.ts'
import { makeSelfSigned } from '../../src/edge/proxy/waiting-room/certificate.ts'
import { CertificateCopy, readCertificate } from '../../src/host/certificate.ts'

const day = 86_400_000
/** When the certificates became valid: whole seconds, in which a clock read before they were made may lie behind. */
let now: number
let pair: CertificatePair
let other: CertificatePair

beforeAll(async () => {
  pair = await makeSelfSigned({ hostname: 'omada.example' })
  other = await makeSelfSigned({ hostname: 'omada.example' })
  now = new X509Certificate(other.cert).validFromDate.getTime()
})

function scene() {
  const root = mkdtempSync(join(tmpdir(), 'certificate-'))
  onTestFinished(() => rmSync(root, { recursive: true, force: true }))
  const directory = join(root, 'user')
  mkdirSync(directory)
  const copies = join(root, 'copies')
  const copy = new CertificateCopy({ directory: copies, clock: { wall: () => now } })
  const config = configSchema.parse({ controller: { certificateDirectory: directory } })
  const put = ({ cert, key }: CertificatePair, [certName, keyName] = ['tls.crt', 'tls.key']) => {
    writeFileSync(join(directory, certName ?? ''), cert)
    writeFileSync(join(directory, keyName ?? ''), key)
  }
  const copied = () => ({
    cert: readFileSync(join(copies, 'tls.crt'), 'utf8'),
    key: readFileSync(join(copies, 'tls.key'), 'utf8'),
  })
  return { root, directory, copies, copy, config, put, copied, refresh: () => copy.refresh(config) }
}

test('a pair is copied under the names of the image, for root alone, and again when it was renewed', async () => {
  const { copies, put, copied, refresh } = scene()
  put(pair)
  expect(await refresh()).toEqual({ certificate: pair, warnings: [] })
  expect(copied()).toEqual(pair)
  expect(statSync(copies).mode & 0o777).toBe(0o700)
  expect(readdirSync(copies).map((name) => statSync(join(copies, name)).mode & 0o777)).toEqual([0o600, 0o600])
  const { ino } = statSync(copies)
  put(other)
  expect((await refresh()).certificate).toEqual(other)
  expect(copied()).toEqual(other)
  // What is mounted is the directory.
  expect(statSync(copies).ino).toBe(ino)
})

test("links that lead out of the directory are followed, under certbot's names, too", async () => {
  const { root, directory, put, copied, refresh } = scene()
  for (const [name, text] of Object.entries(pair)) writeFileSync(join(root, name), text)
  symlinkSync(join(root, 'cert'), join(directory, 'fullchain.pem'))
  symlinkSync(join(root, 'key'), join(directory, 'privkey.pem'))
  expect((await refresh()).certificate).toEqual(pair)
  expect(copied()).toEqual(pair)
  // The image's own names come first.
  put(other)
  expect((await refresh()).certificate).toEqual(other)
})

test.each<[string, (s: ReturnType<typeof scene>) => void, RegExp, RegExp]>([
  ['no files', () => {}, /tls\.crt .*cannot be read: ENOENT/, /put tls\.crt .* and tls\.key into/],
  ['a certificate without its key', ({ directory }) => rmSync(join(directory, 'tls.key')), /tls\.key .*ENOENT/, /put/],
  [
    'the key of another certificate',
    ({ put }) => put({ cert: pair.cert, key: other.key }),
    /tls\.key is not the key of the certificate in .*tls\.crt/,
    /openssl x509 .* openssl pkey/,
  ],
  [
    'an encrypted key',
    ({ put }) => {
      const encrypted = createPrivateKey(pair.key).export({
        type: 'pkcs8',
        format: 'pem',
        cipher: 'aes-256-cbc',
        passphrase: 'x',
      })
      put({ cert: pair.cert, key: String(encrypted) })
    },
    /tls\.key is encrypted/,
    /openssl pkey -in .*tls\.key -out .* && mv/,
  ],
  [
    'a certificate in DER form',
    ({ put }) => put({ cert: '0\x82binary', key: pair.key }),
    /tls\.crt has no certificate in PEM form/,
    /openssl x509 -inform der/,
  ],
  [
    'something else for a key',
    ({ put }) => put({ cert: pair.cert, key: 'root:s3cret:19000' }),
    /tls\.key has no private key/,
    /openssl pkey/,
  ],
  [
    'a key that TLS does not take any more',
    ({ put, directory }) => {
      const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 512 })
      const key = String(privateKey.export({ type: 'pkcs8', format: 'pem' }))
      writeFileSync(join(directory, 'weak.key'), key)
      const request = ['req', '-x509', '-key', join(directory, 'weak.key'), '-subj', '/CN=x', '-sha256', '-days', '9']
      put({ cert: execFileSync('openssl', request, { encoding: 'utf8' }), key })
    },
    /cannot be used for TLS: .*too small/,
    /new pair/,
  ],
  [
    'a pipe',
    ({ directory }) => {
      rmSync(join(directory, 'tls.crt'))
      execFileSync('mkfifo', [join(directory, 'tls.crt')])
    },
    /tls\.crt .*not a regular file/,
    /put/,
  ],
  [
    'a huge file',
    ({ directory }) => writeFileSync(join(directory, 'tls.crt'), 'x'.repeat(300_000)),
    /tls\.crt .*more than 256 KiB/,
    /put/,
  ],
])('%s: told with the file and what mends it, and the copy from before stays', async (_, spoil, message, remedy) => {
  const first = scene()
  first.put(pair)
  rmSync(join(first.directory, 'tls.crt'))
  rmSync(join(first.directory, 'tls.key'))
  if (_ !== 'no files') first.put(pair)
  spoil(first)
  const without = await first.refresh()
  expect(without.certificate).toBeUndefined()
  expect(without.warnings).toMatchObject([
    {
      code: 'CERTIFICATE_UNUSABLE',
      message: expect.stringMatching(/starts without it$/),
      remedy: expect.stringMatching(remedy),
    },
  ])
  expect(without.warnings[0]?.message).toMatch(message)
  expect(JSON.stringify(without.warnings)).not.toContain('s3cret')

  const second = scene()
  second.put(pair)
  await second.refresh()
  if (_ === 'no files') rmSync(second.directory, { recursive: true })
  spoil(second)
  const kept = await second.refresh()
  expect(kept.certificate).toEqual(pair)
  expect(kept.warnings[0]?.message).toMatch(/the one that was there before is used on$/)
  expect(second.copied()).toEqual(pair)
})

test('one that browsers will not take is used, and told with the date', async () => {
  const { directory, put } = scene()
  put(pair)
  const told = async (at: number) => (await readCertificate(directory, at)).warnings.map(({ code }) => code)
  expect(await told(now)).toEqual([])
  expect(await told(now - 2 * day)).toEqual(['CERTIFICATE_EXPIRED'])
  expect(await told(now + 815 * day)).toEqual(['CERTIFICATE_EXPIRES'])
  expect(await told(now + 900 * day)).toEqual(['CERTIFICATE_EXPIRED'])
  const { warnings } = await readCertificate(directory, now + 900 * day)
  const end = new Date(now + 825 * day).toISOString().slice(0, 10)
  expect(warnings[0]?.message).toContain(`ran out on ${end}`)
  writeFileSync(join(directory, 'nameless.key'), pair.key)
  const request = ['req', '-x509', '-config', '/dev/null', '-key', join(directory, 'nameless.key'), '-subj', '/CN=x']
  put({ cert: execFileSync('openssl', [...request, '-days', '90'], { encoding: 'utf8' }), key: pair.key })
  expect(await told(now + day)).toEqual(['CERTIFICATE_NAMELESS'])
})

test('without a directory there is none, and no copy is left of one that was', async () => {
  const { copies, copy, put, refresh } = scene()
  put(pair)
  await refresh()
  expect(await copy.refresh(configSchema.parse({}))).toEqual({ certificate: undefined, warnings: [] })
  expect(readdirSync(copies)).toEqual([])
})

test('a copy that cannot be written is told, and the certificate is there for the page all the same', async () => {
  const { root, directory, put, config } = scene()
  put(pair)
  writeFileSync(join(root, 'file'), '')
  const copy = new CertificateCopy({ directory: join(root, 'file', 'copies'), clock: { wall: () => now } })
  const { certificate, warnings } = await copy.refresh(config)
  expect(certificate).toEqual(pair)
  expect(warnings).toMatchObject([{ code: 'CERTIFICATE_UNUSABLE', message: expect.stringContaining('ENOTDIR') }])
  expect(warnings[0]?.message).not.toContain(directory)
})
