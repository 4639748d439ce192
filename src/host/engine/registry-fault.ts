import type { Fault } from '../../core/errors.ts'
import { parseImageReference } from '../../omada/image-reference.ts'
import type { EngineKind } from './engine.ts'

/** Who asks a registry: an engine, whose service has the proxy's settings, or we by skopeo. */
type Asker = EngineKind | 'omada-host'

const limit = /too ?many ?requests|HTTP (?:status|code):? 429|pull rate limit/i
const proxy = /Proxy Authentication Required|HTTP (?:status|code):? 407|proxyconnect/i
const tls = /x509:|tls: |certificate (?:has expired|is not|signed by)|server gave HTTP response to HTTPS client/i
const login = /\bunauthorized\b|authentication required|(?<!permission )\bdenied\b|may require .?docker login/i
const broken = /HTTP (?:status|code):? 50\d|Internal Server Error|Bad Gateway|Service Unavailable|Gateway Time-?out/i
const unreachable =
  /pinging container registry|dial tcp|connection re(?:fused|set)|no such host|i\/o timeout|timeout exceeded|TLS handshake|network is unreachable|no route to host|Client\.Timeout|server misbehaving/i

/**
 * What a message about a registry means that neither is about the image nor about this machine's disk; undefined when it is
 * another. The wordings are containers/image's, Docker's, Go's and the registries' own; each kind has a place to mend.
 * @param reference an image, or a repository
 */
export function registryFault(message: string, reference: string, asker: Asker): Fault | undefined {
  const { registry = reference } = parseImageReference(reference) ?? {}
  const fault = (code: Fault['code'], what: string, remedy: string): Fault => ({
    code,
    message: `${what} ${reference} (${message})`,
    remedy: `${remedy}; it is tried again by itself`,
  })
  if (limit.test(message)) {
    const more = `wait, or log in, which allows more: ${howToLogIn(registry, asker)}`
    return fault(
      'REGISTRY_LIMIT',
      `the registry ${registry} allows no more requests for now, so it does not give`,
      more,
    )
  }
  if (proxy.test(message)) {
    return fault('REGISTRY_PROXY', `the proxy on the way to ${registry} does not let through`, howToProxy(asker))
  }
  if (tls.test(message)) {
    return fault(
      'REGISTRY_TLS',
      `no trusted TLS connection to ${registry} comes about for`,
      `see whether this machine's clock is right (timedatectl) and whether a firewall opens TLS; an authority of your own goes to ${asker === 'docker' ? '/etc/docker' : '/etc/containers'}/certs.d/${registry}/ca.crt`,
    )
  }
  if (login.test(message)) {
    return fault(
      'REGISTRY_LOGIN',
      `the registry ${registry} does not let this login, or none, see`,
      `if controller.image is spelt right, ${howToLogIn(registry, asker)}`,
    )
  }
  if (broken.test(message)) {
    return fault(
      'REGISTRY_FAILED',
      `the registry ${registry} has an error of its own and does not give`,
      'wait: nothing is to be mended on this machine',
    )
  }
  if (unreachable.test(message)) {
    return fault(
      'REGISTRY_UNREACHABLE',
      `the registry ${registry} does not answer about`,
      `check this machine's way to the internet and its DNS; where only a proxy leads there, ${howToProxy(asker)}`,
    )
  }
  return undefined
}

/** By which a login reaches both engines and the look for newer images. */
export function howToLogIn(registry: string, asker: Asker): string {
  return asker === 'docker'
    ? `docker --config /etc/omada-host login ${registry}; then set images.authFile to /etc/omada-host/config.json`
    : `podman login --authfile /etc/omada-host/auth.json ${registry}; then set images.authFile to /etc/omada-host/auth.json`
}

function howToProxy(asker: Asker): string {
  const restart = asker === 'podman' ? '' : `, and restart it: systemctl restart ${asker}`
  return `name it to the service that asks: systemctl edit ${asker}.service, with [Service] and Environment=HTTPS_PROXY=http://USER:PASSWORD@HOST:PORT${restart}`
}

const unitMilliseconds = new Map([
  ['ns', 1e-6],
  ['us', 1e-3],
  ['µs', 1e-3],
  ['ms', 1],
  ['s', 1000],
  ['m', 60_000],
  ['h', 3_600_000],
])

/** Longer than any registry counts: Docker Hub's window is six hours. */
const longestWaitMilliseconds = 6 * 3_600_000
/** Of a registry that limits and does not say for how long: trying counts there, too. */
const leastWaitMilliseconds = 60_000

/**
 * How long to wait at least before a registry that limits is asked again: what its words, which engines hand on, say as
 * `retry-after: 30s`, in the units of Go's durations or in seconds.
 */
export function retryAfterMilliseconds({ code, message }: Fault): number {
  if (code !== 'REGISTRY_LIMIT') return 0
  const match = /retry[- ]after:?\s*(?<count>\d{1,9}(?:\.\d{1,9})?)\s*(?<unit>ns|us|µs|ms|s|m|h)?(?![a-z])/i.exec(
    message,
  )
  const { count, unit = 's' } = match?.groups ?? {}
  if (count === undefined) return leastWaitMilliseconds
  return Math.min(longestWaitMilliseconds, Number(count) * (unitMilliseconds.get(unit.toLowerCase()) ?? 1000))
}
