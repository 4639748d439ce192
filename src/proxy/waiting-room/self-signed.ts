import { randomBytes, webcrypto } from 'node:crypto'
// The library's dependency injection wants reflection to be there first.
import 'reflect-metadata'
import * as x509 from '@peculiar/x509'

/** The longest that Apple's clients accept for a certificate that a user trusts by hand, in days. */
const lifetimeDays = 825
const day = 24 * 3600 * 1000

/** Makes a self-signed certificate with a P-256 key, as PEM texts. */
export async function makeSelfSigned(options: {
  hostname: string
  /** Milliseconds since 1970. */
  wall: number
}): Promise<{ cert: string; key: string }> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const names = [...new Set([...(isDnsName(options.hostname) ? [options.hostname] : []), 'localhost'])]
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    // RFC 5280, 4.1.2.2: positive, at most 20 octets.
    serialNumber: `01${randomBytes(15).toString('hex')}`,
    name: [{ CN: ['Omada controller (waiting room)'] }],
    // A day back, for clients whose clock is behind.
    notBefore: new Date(options.wall - day),
    notAfter: new Date(options.wall + (lifetimeDays - 1) * day),
    signingAlgorithm: algorithm,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension(names.map((value) => ({ type: 'dns' as const, value }))),
    ],
  })
  const key = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)
  return { cert: certificate.toString('pem'), key: x509.PemConverter.encode(key, 'PRIVATE KEY') }
}

function isDnsName(text: string): boolean {
  return /^[a-zA-Z0-9-]{1,63}(\.[a-zA-Z0-9-]{1,63})*$/.test(text) && text.length <= 253
}
