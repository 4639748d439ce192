import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { mkdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { createSecureContext } from 'node:tls'
import type { CertificatePair } from '../config/certificate.ts'
import type { Config } from '../config/schema.ts'
import { writeFileAtomic } from '../core/atomic-file.ts'
import type { Clock } from '../core/clock.ts'
import { ApplianceError, type Fault, messageOf, systemCode } from '../core/errors.ts'
import { readSmallFile } from '../linux/small-file.ts'

/** A chain of many certificates has some 20 KB. */
const maxBytes = 262_144

/** How long before its end a certificate is told to run out, in days: who renews by a program does it a month before. */
const expiresSoonDays = 14

const dayMilliseconds = 86_400_000

/** What a directory's files are called: as the image calls them, or as Let's Encrypt's certbot does in its `live`. */
const names = [
  ['tls.crt', 'tls.key'],
  ['fullchain.pem', 'privkey.pem'],
] as const

/** The image's names, under which the copies are mounted (README of mbentley/docker-omada-controller, "Custom Certificates"). */
const [copyNames] = names

/** The user's own certificate, and what is to be said of it. */
export interface UsableCertificate {
  readonly certificate: CertificatePair | undefined
  readonly warnings: readonly Fault[]
}

const reload = 'then: systemctl reload omada-host'

/**
 * The user's certificate, checked, and copied into a directory of ours, which is what the container has at /cert. The image
 * deletes the controller's old key store before it reads what is there and ends when it cannot, and links that lead out of the
 * directory lead nowhere in a container. So it gets regular files that work, or none.
 */
export class CertificateCopy {
  readonly #directory: string
  readonly #clock: Pick<Clock, 'wall'>

  /** @param options.directory for the copies; root's alone */
  constructor(options: { readonly directory: string; readonly clock: Pick<Clock, 'wall'> }) {
    this.#directory = options.directory
    this.#clock = options.clock
  }

  /**
   * Reads what controller.certificateDirectory has now. What cannot be used changes nothing: the copy from before stays, if
   * there is one, and the fault says what mends it. Does not reject.
   */
  async refresh({ controller: { certificateDirectory: directory } }: Config): Promise<UsableCertificate> {
    if (directory === undefined) {
      await this.#remove()
      return { certificate: undefined, warnings: [] }
    }
    try {
      const { certificate, warnings } = await readCertificate(directory, this.#clock.wall())
      return { certificate, warnings: [...warnings, ...(await this.#write(certificate))] }
    } catch (error) {
      if (!(error instanceof ApplianceError)) throw error
      const certificate = await this.#kept()
      const instead =
        certificate === undefined ? 'the controller starts without it' : 'the one that was there before is used on'
      const { code, message, remedy } = error.fault
      return { certificate, warnings: [{ code, message: `${message}; ${instead}`, remedy }] }
    }
  }

  /** Each file is replaced in its directory, which is what is mounted; the key first, as what is renewed often keeps it. */
  async #write({ cert, key }: CertificatePair): Promise<readonly Fault[]> {
    try {
      await mkdir(this.#directory, { recursive: true, mode: 0o700 })
      const [certName, keyName] = copyNames
      for (const [name, text] of [
        [keyName, key],
        [certName, cert],
      ] as const) {
        const path = join(this.#directory, name)
        const before = await readFile(path, 'utf8').catch(() => undefined)
        if (before !== text) await writeFileAtomic(path, text, 0o600)
      }
      return []
    } catch (error) {
      return [
        {
          code: 'CERTIFICATE_UNUSABLE',
          message: `the controller does not get the certificate, as it cannot be copied into ${this.#directory}: ${messageOf(error)}`,
          remedy: `see whether there is room: df ${this.#directory}; ${reload}`,
        },
      ]
    }
  }

  async #kept(): Promise<CertificatePair | undefined> {
    return await readCertificate(this.#directory, this.#clock.wall()).then(
      ({ certificate }) => certificate,
      () => undefined,
    )
  }

  async #remove(): Promise<void> {
    for (const name of copyNames) await rm(join(this.#directory, name), { force: true }).catch(() => {})
  }
}

/**
 * A directory's certificate and key, and what is to be said of them as of `now`, in milliseconds since 1970.
 * @throws ApplianceError CERTIFICATE_UNUSABLE with the file and what mends it
 */
export async function readCertificate(
  directory: string,
  now: number,
): Promise<{ readonly certificate: CertificatePair; readonly warnings: readonly Fault[] }> {
  const [certPath, keyPath] = await filesIn(directory)
  const cert = await readText(certPath, directory)
  const key = await readText(keyPath, directory)
  const leaf = parseCertificate(cert, certPath)
  const privateKey = parseKey(key, keyPath)
  if (!leaf.checkPrivateKey(privateKey)) {
    throw unusable(
      `${keyPath} is not the key of the certificate in ${certPath}`,
      `put the key there that it was made with (the same for both: openssl x509 -in ${certPath} -noout -pubkey; openssl pkey -in ${keyPath} -pubout), ${reload}`,
    )
  }
  try {
    createSecureContext({ cert, key })
  } catch (error) {
    throw unusable(
      `${certPath} and ${keyPath} cannot be used for TLS: ${messageOf(error)}`,
      `have a new pair made, ${reload}`,
    )
  }
  return { certificate: { cert, key }, warnings: judgeLeaf(leaf, certPath, now) }
}

/** The first pair of names of which a file is there; the image's own where none is. */
async function filesIn(directory: string): Promise<readonly [string, string]> {
  for (const [cert, key] of names) {
    const there = await readSmallFile(join(directory, cert), maxBytes).then(
      () => true,
      (error: unknown) => systemCode(error) !== 'ENOENT',
    )
    if (there) return [join(directory, cert), join(directory, key)]
  }
  return [join(directory, copyNames[0]), join(directory, copyNames[1])]
}

async function readText(path: string, directory: string): Promise<string> {
  try {
    return (await readSmallFile(path, maxBytes)).toString('latin1')
  } catch (error) {
    throw unusable(
      `${path} (controller.certificateDirectory) cannot be read: ${messageOf(error)}`,
      `put tls.crt (the full chain) and tls.key into ${directory}, as files or links to files that root can read, ${reload}`,
    )
  }
}

function parseCertificate(text: string, path: string): X509Certificate {
  try {
    if (!text.includes('-----BEGIN CERTIFICATE-----')) throw new Error('no CERTIFICATE block')
    return new X509Certificate(text)
  } catch {
    throw unusable(
      `${path} has no certificate in PEM form`,
      `if it is one in DER form: openssl x509 -inform der -in ${path} -out ${path}.pem && mv ${path}.pem ${path}; ${reload}`,
    )
  }
}

/** Nothing of the text is told: it may be any file of root's that a link led to. */
function parseKey(text: string, path: string): KeyObject {
  if (/ENCRYPTED/.test(text)) {
    throw unusable(
      `the key in ${path} is encrypted, and nobody is there to type its passphrase`,
      `(umask 077; openssl pkey -in ${path} -out ${path}.open) && mv ${path}.open ${path}; ${reload}`,
    )
  }
  try {
    return createPrivateKey(text)
  } catch {
    throw unusable(
      `${path} has no private key in PEM form`,
      `if it is one in DER form: (umask 077; openssl pkey -inform der -in ${path} -out ${path}.pem) && mv ${path}.pem ${path}; ${reload}`,
    )
  }
}

/** A certificate that works and of which browsers or devices will complain. */
function judgeLeaf(leaf: X509Certificate, path: string, now: number): readonly Fault[] {
  const [from, to] = [leaf.validFromDate, leaf.validToDate].map((date) => date.getTime()) as [number, number]
  const day = (time: number) => new Date(time).toISOString().slice(0, 10)
  const renew = `renew it, ${reload}, and omada-host restart for the controller`
  const dates: readonly Fault[] =
    now > to
      ? [{ code: 'CERTIFICATE_EXPIRED', message: `the certificate in ${path} ran out on ${day(to)}`, remedy: renew }]
      : now < from
        ? [
            {
              code: 'CERTIFICATE_EXPIRED',
              message: `the certificate in ${path} is valid from ${day(from)} on, and today is ${day(now)} here`,
              remedy: `set the clock of this machine if that is wrong (timedatectl); else wait for that day`,
            },
          ]
        : to - now < expiresSoonDays * dayMilliseconds
          ? [
              {
                code: 'CERTIFICATE_EXPIRES',
                message: `the certificate in ${path} runs out on ${day(to)}`,
                remedy: renew,
              },
            ]
          : []
  if (leaf.subjectAltName !== undefined) return dates
  return [
    ...dates,
    {
      code: 'CERTIFICATE_NAMELESS',
      message: `the certificate in ${path} names no host (it has no subjectAltName), so no browser accepts it`,
      remedy: `have one made that names this machine, such as with: openssl req … -addext subjectAltName=DNS:omada.example; ${reload}`,
    },
  ]
}

function unusable(message: string, remedy: string): ApplianceError {
  return new ApplianceError({ code: 'CERTIFICATE_UNUSABLE', message, remedy })
}
