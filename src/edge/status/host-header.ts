import { isIPv4, isIPv6 } from 'node:net'

/**
 * Domains that the public name service does not hand out to anybody, so that a web site cannot have a name in them: RFC
 * 6762 (.local and its appendix G), RFC 6761 (.localhost), RFC 8375 (.home.arpa).
 */
const privateDomains = [
  'local',
  'localhost',
  'home.arpa',
  'intranet',
  'internal',
  'private',
  'corp',
  'home',
  'lan',
  'localdomain',
]

/** The host of a Host header without its port, in lower case; undefined when malformed. IPv6 keeps its brackets. */
export function hostOf(header: string): string | undefined {
  const host = /^(\[[0-9a-f:.]{2,45}\]|[a-z0-9._-]{1,255})(?::\d{1,5})?$/i.exec(header)?.[1]?.toLowerCase()
  if (host === undefined) return undefined
  if (host.startsWith('[')) return isIPv6(host.slice(1, -1)) ? host : undefined
  return host.replace(/\.$/, '') || undefined
}

/**
 * Whether a browser that asks for `host` can be trusted to mean this machine. A web site can point a name of its own at
 * an address in the user's network (DNS rebinding) and would then read the page as its own; it cannot do that with an
 * address, a name without a dot, a private name, or a name in this machine's own domain.
 * @param ownDomains domains of this machine, see `ownDomainsOf`
 */
export function meansThisMachine(host: string, ownDomains: readonly string[]): boolean {
  if (host.startsWith('[') || isIPv4(host) || !host.includes('.')) return true
  return [...privateDomains, ...ownDomains].some((domain) => host === domain || host.endsWith(`.${domain}`))
}

/**
 * The domains that this machine is in: its own full name, and what its resolver completes names with (resolv.conf(5),
 * `domain` and `search`). A domain of one label, such as `com`, says nothing.
 */
export function ownDomainsOf(hostname: string, resolvConf: string): readonly string[] {
  const searched = [...resolvConf.matchAll(/^\s*(?:search|domain)\s+(.+)$/gm)].flatMap((match) =>
    (match[1] ?? '').trim().split(/\s+/),
  )
  return [hostname, ...searched]
    .map((name) => name.toLowerCase().replace(/\.$/, ''))
    .filter((name) => name.includes('.'))
}
