import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Fault, messageOf } from '../core/errors.ts'
import type { Config } from './schema.ts'

/** PEM texts; the certificate's full chain. */
export interface CertificatePair {
  readonly cert: string
  readonly key: string
}

/** The user's own certificate, and what is to be said of one that cannot be read. */
export interface UsableCertificate {
  readonly certificate: CertificatePair | undefined
  readonly warnings: readonly Fault[]
}

/**
 * The pair in controller.certificateDirectory, under the names that the image looks for; no certificate when none is set.
 * One that cannot be read is done without, and told as CERTIFICATE_UNUSABLE: the edge then makes its own.
 */
export async function usableCertificate(config: Config): Promise<UsableCertificate> {
  const directory = config.controller.certificateDirectory
  if (directory === undefined) return { certificate: undefined, warnings: [] }
  try {
    const cert = await readFile(join(directory, 'tls.crt'), 'utf8')
    const key = await readFile(join(directory, 'tls.key'), 'utf8')
    return { certificate: { cert, key }, warnings: [] }
  } catch (error) {
    const warning: Fault = {
      code: 'CERTIFICATE_UNUSABLE',
      message: `the certificate of controller.certificateDirectory cannot be read: ${messageOf(error)}`,
      remedy: `put tls.crt and tls.key into ${directory}, readable for the user that omada-host runs as`,
    }
    return { certificate: undefined, warnings: [warning] }
  }
}
