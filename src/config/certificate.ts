import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ApplianceError, type Fault, messageOf, toFault } from '../core/errors.ts'
import type { Config } from './schema.ts'

/** PEM texts; the certificate's full chain. */
export interface CertificatePair {
  readonly cert: string
  readonly key: string
}

/**
 * The pair in controller.certificateDirectory, under the names that the image looks for; undefined when none is set.
 * @throws ApplianceError CERTIFICATE_UNUSABLE when it is set but cannot be read
 */
export async function readCertificate(config: Config): Promise<CertificatePair | undefined> {
  const directory = config.controller.certificateDirectory
  if (directory === undefined) return undefined
  try {
    const cert = await readFile(join(directory, 'tls.crt'), 'utf8')
    return { cert, key: await readFile(join(directory, 'tls.key'), 'utf8') }
  } catch (error) {
    throw new ApplianceError(
      {
        code: 'CERTIFICATE_UNUSABLE',
        message: `the certificate of controller.certificateDirectory cannot be read: ${messageOf(error)}`,
        remedy: `put tls.crt and tls.key into ${directory}, readable for the user that omada-host runs as`,
      },
      { cause: error },
    )
  }
}

/** The user's own certificate, and what is to be said of one that cannot be read. */
export interface UsableCertificate {
  readonly certificate: CertificatePair | undefined
  readonly warnings: readonly Fault[]
}

/** Like `readCertificate`, but a pair that cannot be read is done without, and told: the edge then makes its own. */
export async function usableCertificate(config: Config): Promise<UsableCertificate> {
  try {
    return { certificate: await readCertificate(config), warnings: [] }
  } catch (error) {
    return { certificate: undefined, warnings: [toFault(error)] }
  }
}
