import { ApplianceError, messageOf } from '../../../core/errors.ts'
import { ProgramError, runProgram } from '../../../core/run-program.ts'

/** The longest that Apple's clients accept for a certificate that a user trusts by hand, in days. */
const lifetimeDays = 825
/** Making a P-256 key takes milliseconds; this is for a machine that hardly runs. */
const deadlineMilliseconds = 20_000

/**
 * Makes a self-signed certificate with a P-256 key, as PEM texts, by the machine's openssl(1): a library for it would
 * stay in this process's memory for good.
 * @throws ApplianceError CERTIFICATE_UNUSABLE when openssl is not there or fails
 */
export async function makeSelfSigned(options: { hostname: string }): Promise<{ cert: string; key: string }> {
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
