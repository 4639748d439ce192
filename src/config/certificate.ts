/** PEM texts; the certificate's full chain. */
export interface CertificatePair {
  readonly cert: string
  readonly key: string
}
