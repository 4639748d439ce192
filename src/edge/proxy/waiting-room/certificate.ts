import { X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { createSecureContext } from 'node:tls'
import type { CertificatePair } from '../../../config/certificate.ts'
import { writeFileAtomic } from '../../../core/atomic-file.ts'
import type { Clock } from '../../../core/clock.ts'
import { ApplianceError, messageOf, systemCode } from '../../../core/errors.ts'
import type { Logger } from '../../../core/logger.ts'
import { ProgramError, runProgram } from '../../../core/run-program.ts'
import type { ProxyDependencies } from '../dependencies.ts'

/** The longest that Apple's clients accept for a certificate that a user trusts by hand, in days. */
const lifetimeDays = 825
/** Making a P-256 key takes milliseconds; this is for a machine that hardly runs. */
const deadlineMilliseconds = 20_000

/** A pair that lasts less than this is remade. */
const renewBeforeMilliseconds = 30 * 24 * 3600 * 1000

/** One file for both, so that a crash cannot leave a key with another key's certificate. */
const fileName = 'waiting-room.pem'

interface CertificateOptions {
  readonly logger: Logger
  readonly clock: Clock
  readonly dependencies: Pick<ProxyDependencies, 'certificate' | 'stateDirectory' | 'warnings'>
}

/**
 * What the waiting room speaks TLS with: the user's certificate, or a self-signed one that is kept from start to start,
 * so that an exception that a user made for it stays good. A certificate that cannot be used or kept is a warning.
 */
export async function loadCertificate(options: CertificateOptions): Promise<CertificatePair> {
  return (
    (await usersOwn(options.dependencies, 'uses a self-signed one')) ?? (await kept(options)) ?? (await made(options))
  )
}

/** The user's certificate; undefined when there is none, or one that cannot be used, in which case `instead` is told. */
export async function usersOwn(
  { certificate, warnings }: Pick<CertificateOptions['dependencies'], 'certificate' | 'warnings'>,
  instead: string,
): Promise<CertificatePair | undefined> {
  try {
    const user = await certificate()
    const pair = user === undefined ? undefined : checked(user)
    warnings.clear('user', 'the certificate in controller.certificateDirectory can be used')
    return pair
  } catch (error) {
    const message = `the certificate in controller.certificateDirectory cannot be used: ${messageOf(error)}`
    warnings.raise('user', {
      code: 'CERTIFICATE_UNUSABLE',
      message: `${message}; the waiting room ${instead}`,
      remedy:
        'put a readable tls.crt (full chain) and the tls.key that belongs to it there, then: systemctl reload omada-host',
    })
    return undefined
  }
}

async function kept({ logger, clock, dependencies }: CertificateOptions): Promise<CertificatePair | undefined> {
  try {
    const pem = await readFile(join(dependencies.stateDirectory, fileName), 'utf8')
    // Only the end counts: a machine without a real-time clock may not have reached the beginning yet.
    if (new X509Certificate(pem).validToDate.getTime() - clock.wall() < renewBeforeMilliseconds) return undefined
    return checked({ cert: pem, key: pem })
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') logger.warn({ err: error }, "the waiting room's certificate is made anew")
    return undefined
  }
}

async function made({ logger, dependencies }: CertificateOptions): Promise<CertificatePair> {
  const pair = await makeSelfSigned({ hostname: hostname() })
  const path = join(dependencies.stateDirectory, fileName)
  try {
    await writeFileAtomic(path, `${pair.key.trim()}\n${pair.cert.trim()}\n`, 0o600)
  } catch (error) {
    logger.warn({ err: error, path }, "the waiting room's certificate could not be kept; the next start makes another")
  }
  return pair
}

/**
 * Makes a self-signed certificate with a P-256 key, as PEM texts, by the machine's openssl(1): a library for it would
 * stay in this process's memory for good.
 * @throws ApplianceError CERTIFICATE_UNUSABLE when openssl is not there or fails
 */
export async function makeSelfSigned(options: { hostname: string }): Promise<CertificatePair> {
  const names = [...new Set([...(isDnsName(options.hostname) ? [options.hostname] : []), 'localhost'])]
  const request = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-sha256']
  const extensions = [
    `subjectAltName=${names.map((name) => `DNS:${name}`).join(',')}`,
    'basicConstraints=critical,CA:FALSE',
    'extendedKeyUsage=serverAuth',
  ].flatMap((extension) => ['-addext', extension])
  const subject = ['-subj', '/CN=Omada controller (waiting room)', '-days', String(lifetimeDays)]
  // No configuration file: a distribution's own could add extensions of its own.
  const configuration = ['-config', '/dev/null']
  try {
    const output = ['-keyout', '-', '-out', '-']
    const pem = await runProgram(['openssl', ...request, ...subject, ...extensions, ...configuration, ...output], {
      deadlineMilliseconds,
    })
    return { key: block(pem, 'PRIVATE KEY'), cert: block(pem, 'CERTIFICATE') }
  } catch (error) {
    const missing = error instanceof ProgramError && error.kind === 'absent'
    throw new ApplianceError(
      {
        code: 'CERTIFICATE_UNUSABLE',
        message: `no self-signed certificate could be made: ${messageOf(error)}`,
        remedy: missing
          ? 'apt-get install openssl'
          : 'set controller.certificateDirectory to a certificate of your own',
      },
      { cause: error },
    )
  }
}

function block(pem: Buffer, label: string): string {
  const found = new RegExp(`-----BEGIN ${label}-----[^-]+-----END ${label}-----\n`).exec(pem.toString('latin1'))
  if (found === null) throw new Error(`openssl printed no ${label}`)
  return found[0]
}

function isDnsName(text: string): boolean {
  return /^[a-zA-Z0-9-]{1,63}(\.[a-zA-Z0-9-]{1,63})*$/.test(text) && text.length <= 253
}

/** @throws OpenSSL's error when the texts are not PEM, or the key does not belong to the certificate */
function checked(pair: CertificatePair): CertificatePair {
  createSecureContext({ cert: pair.cert, key: pair.key })
  return pair
}
