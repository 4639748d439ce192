import type { AppliancePort } from '../../config/appliance-ports.ts'
import type { Rule, Ruleset } from './ruleset.ts'

/** NF_IP_PRI_MANGLE of linux/netfilter_ipv4.h: before firewalls, which then see what is sent and taken. */
const mangle = -150

/** What opens a connection and what answers that: only there each side says how large the other's segments may be. */
const opening = 'tcp flags & (syn | rst) == syn'

/**
 * How large the segments of devices' connections may be, in both directions. This machine ends them, and offers each side
 * what its own route carries; of a way that is narrower further on, such as a tunnel, it knows nothing. So the figure is
 * the user's, and no `rt mtu`, which would say the route's again. In what this machine answers it bounds what devices
 * send; in what devices begin with it bounds what this machine sends. A side that asks for less keeps it. Pure.
 * @param bytes what a segment may carry (the option MSS of RFC 9293, 3.7.1); nothing is set where it is undefined
 * @param ports those that this machine listens on; those that devices connect to by TCP are meant
 */
export function segments(bytes: number | undefined, ports: readonly AppliancePort[]): Ruleset {
  const ofDevices = ports.filter(({ protocol, roles }) => protocol === 'tcp' && roles.includes('devices'))
  if (bytes === undefined || ofDevices.length === 0) return { sets: [], chains: [] }
  const lowered = (name: string, port: 'sport' | 'dport'): Rule => ({
    name,
    text: `tcp ${port} @device-ports ${opening} tcp option maxseg size > ${bytes} tcp option maxseg size set ${bytes}`,
  })
  return {
    sets: [{ name: 'device-ports', type: 'inet_service', elements: ofDevices.map(({ port }) => String(port)) }],
    chains: [
      {
        name: 'segments-in',
        base: { type: 'filter', hook: 'input', priority: mangle },
        rules: [lowered('what this machine may send', 'dport')],
      },
      {
        name: 'segments-out',
        base: { type: 'filter', hook: 'output', priority: mangle },
        rules: [lowered('what devices may send', 'sport')],
      },
    ],
  }
}
