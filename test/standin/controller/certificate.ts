import { generateKeyPairSync, randomBytes, sign } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import type { DataVolume } from './data.ts'

export interface KeyPair {
  readonly cert: string
  readonly key: string
}

/** The user's certificate from /cert, else a self-signed one for localhost that is made once and kept in the data. */
export function loadCertificate(user: KeyPair, data: DataVolume): KeyPair {
  if (existsSync(user.cert) && existsSync(user.key)) {
    return { cert: readFileSync(user.cert, 'utf8'), key: readFileSync(user.key, 'utf8') }
  }
  const kept = data.readJson<KeyPair>('keystore/standin.json')
  if (kept !== undefined) return kept
  const made = selfSigned('localhost', new Date())
  data.write('keystore/standin.json', JSON.stringify(made))
  return made
}

const tag = { integer: 0x02, octets: 0x04, oid: 0x06, utf8: 0x0c, utcTime: 0x17, bits: 0x03, sequence: 0x30, set: 0x31 }
/** 1.2.840.10045.4.3.2, 2.5.4.3 and 2.5.29.17, encoded. Source: RFC 5758, RFC 5280. */
const ecdsaWithSha256 = der(tag.sequence, der(tag.oid, Buffer.from('2a8648ce3d040302', 'hex')))
const commonName = der(tag.oid, Buffer.from('550403', 'hex'))
const subjectAltName = der(tag.oid, Buffer.from('551d11', 'hex'))

/**
 * A certificate on a fresh P-256 key, valid from a day before `now` for ten years. Written out by hand (RFC 5280) so
 * that the stand-in's bundle needs no library for it. The vendor's own certificate has CN=localhost too.
 */
function selfSigned(host: string, now: Date): KeyPair {
  const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const name = der(
    tag.sequence,
    der(tag.set, der(tag.sequence, Buffer.concat([commonName, der(tag.utf8, Buffer.from(host))]))),
  )
  const alternatives = der(tag.octets, der(tag.sequence, der(0x82, Buffer.from(host))))
  const toSign = der(
    tag.sequence,
    Buffer.concat([
      der(0xa0, der(tag.integer, Buffer.from([2]))), // version 3
      der(tag.integer, Buffer.concat([Buffer.from([1]), randomBytes(15)])),
      ecdsaWithSha256,
      name,
      der(tag.sequence, Buffer.concat([utcTime(now, -1), utcTime(now, 3650)])),
      name,
      keys.publicKey.export({ type: 'spki', format: 'der' }),
      der(0xa3, der(tag.sequence, der(tag.sequence, Buffer.concat([subjectAltName, alternatives])))),
    ]),
  )
  const signature = Buffer.concat([Buffer.from([0]), sign('sha256', toSign, keys.privateKey)])
  const certificate = der(tag.sequence, Buffer.concat([toSign, ecdsaWithSha256, der(tag.bits, signature)]))
  const lines = certificate.toString('base64').match(/.{1,64}/g) ?? []
  return {
    cert: `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`,
    key: keys.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  }
}

function utcTime(now: Date, days: number): Buffer {
  const text = new Date(now.getTime() + days * 86_400_000).toISOString().replace(/[-:T]|\..*$/g, '')
  return der(tag.utcTime, Buffer.from(`${text.slice(2)}Z`))
}

/** One element: tag, length, content. */
function der(tagByte: number, content: Buffer): Buffer {
  const size = content.length
  const length = size < 128 ? [size] : size < 256 ? [0x81, size] : [0x82, size >> 8, size & 255]
  return Buffer.concat([Buffer.from([tagByte, ...length]), content])
}
