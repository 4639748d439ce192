import { ipv4Contains, parseIpv4, parseIpv4Network } from '../../core/cidr.ts'
import type { EdgeState } from '../../ipc/edge-state.ts'
import type { BroadcastNetwork } from '../../network/broadcast-networks.ts'
import { discoveryPort, managementPort } from '../../omada/ports.ts'
import { type Check, type CheckResult, fail, failed, ok, unknown, warn } from '../finding.ts'
import type { Asked } from './ask-peers.ts'

/** What is known of one network of the devices. */
export interface LanFacts {
  readonly network: BroadcastNetwork
  /** The state of the edge on this machine; undefined when it does not answer. */
  readonly edge: EdgeState | undefined
  /** What our own question there brought. */
  readonly asked: Asked
  /** Every address of this machine. */
  readonly own: ReadonlySet<string>
  /** For how long broadcasts were waited for. */
  readonly waitedSeconds: number
  /** Whether the packet filter is sure to let in what another omada-host answers. */
  readonly audible: boolean
}

/** What can be told of a network of the devices from this machine alone. */
export function lanChecks(facts: LanFacts): readonly Check[] {
  return [
    { name: 'broadcasts in', run: () => [broadcasts(facts)] },
    { name: 'answers out', run: () => [answers(facts)] },
    { name: `port ${managementPort}`, run: () => [reach(facts)] },
    { name: 'other omada-host', run: () => [otherAppliance(facts)] },
    { name: 'other controller', run: () => [otherController(facts)] },
  ]
}

const notRunning = 'the edge on this machine could not be asked'
const start = 'mend what the check "appliance" tells, and run this again'

function broadcasts({ network, edge, waitedSeconds }: LanFacts): CheckResult {
  const where = network.interface
  if (edge === undefined) return unmeasured(`whether broadcasts come in on ${where}`, notRunning, start)
  const listener = edge.discovery.listeners.find(({ address, port }) => address === '*' && port === discoveryPort)
  if (listener?.state === 'failed') return { status: 'fail', message: 'it could not be opened', ...listener.reason }
  const seen = edge.discovery.broadcasts?.find((one) => one.interface === where)
  if (seen !== undefined) {
    return ok(`${seen.count} came in on ${where} since the edge started, the last at ${seen.lastAt}`)
  }
  return unmeasured(
    `whether broadcasts come in on ${where}`,
    `none came in ${waitedSeconds} s; devices that are adopted send none`,
    `run this while a device in factory state is connected; or from another machine of that network: echo test | socat - UDP-DATAGRAM:${network.broadcast}:${discoveryPort},broadcast`,
  )
}

/** Asks by broadcast as a device does, although from this machine: the edge chooses the address of its answer likewise. */
function answers({ network, edge, asked, own }: LanFacts): CheckResult {
  const question = `from which address answers leave on ${network.interface}`
  if (edge === undefined) return unmeasured(question, notRunning, start)
  if ('failed' in asked) return unasked(question, asked)
  const ours = asked.answers.filter(({ address }) => own.has(address))
  const wrong = ours.find(({ address, port }) => address !== network.address || port !== discoveryPort)
  if (wrong !== undefined) {
    return fail(
      `answers to ${network.interface} leave from ${wrong.address}:${wrong.port} instead of ${network.address}:${discoveryPort}: devices connect to where the answer came from`,
      `give no two interfaces addresses of one network (ip address), and no rule that rewrites UDP ${discoveryPort} (nft list ruleset)`,
    )
  }
  if (ours.length > 0) {
    return ok(
      `asked by broadcast from this machine, the edge answers from ${network.address}:${discoveryPort} on ${network.interface}`,
    )
  }
  return unmeasured(
    question,
    'the edge did not answer the question of its own machine',
    `omada-host status tells whether UDP ${discoveryPort} is served`,
  )
}

function reach({ network, edge }: LanFacts): CheckResult {
  const question = `whether TCP ${managementPort} is reachable from ${network.interface}`
  const command = `from another machine of that network: nc -vz ${network.address} ${managementPort}`
  if (edge === undefined) return unmeasured(question, notRunning, start)
  const served = edge.proxy.ports.find(({ port }) => port === managementPort)
  if (served === undefined || served.state === 'failed') {
    const { message = `it is not among proxy.ports`, remedy = `add ${managementPort} to proxy.ports` } =
      served?.reason ?? {}
    return fail(`TCP ${managementPort} is not served: ${message}`, remedy)
  }
  const connected = devicesOn(network, edge).filter(({ adoption }) => adoption === 'connected').length
  if (connected > 0) return ok(`connected devices on ${network.interface}: ${connected}`)
  if (served.arrivedBy?.includes(network.interface) === true) {
    return ok(`other machines have connected on ${network.interface} since the edge started`)
  }
  return unmeasured(question, 'no other machine has connected there since the edge started', command)
}

function otherAppliance({ network, edge, asked, own, audible }: LanFacts): CheckResult {
  const answered = 'failed' in asked ? [] : asked.answers.map(({ address }) => address)
  const heard = (edge?.discovery.peers ?? []).map(({ address }) => address).filter((address) => isOn(network, address))
  const others = [...new Set([...answered.filter((address) => !own.has(address)), ...heard])].sort()
  if (others.length > 0) {
    return failed({
      code: 'OTHER_APPLIANCE',
      message: `another omada-host is on ${network.interface}, at ${others.join(', ')}: both controllers see every device`,
      remedy:
        'stop one of them (systemctl disable --now omada-host there), or give each its own networks (access.devices)',
    })
  }
  const question = `whether another omada-host is on ${network.interface}`
  if ('failed' in asked) return unasked(question, asked)
  if (!audible) {
    return unmeasured(
      question,
      'the packet filter may have dropped its answer',
      'mend what the check "firewall" tells, and run this again',
    )
  }
  return ok(`nobody else answered on ${network.interface}`)
}

/** Controllers answer no question that is known: what devices say of theirs is all there is. */
function otherController({ network, edge }: LanFacts): CheckResult {
  const question = `whether another controller is on ${network.interface}`
  if (edge === undefined) return unmeasured(question, notRunning, start)
  const known = devicesOn(network, edge).filter(({ ownership }) => ownership !== 'unknown')
  const others = known.filter(({ ownership }) => ownership === 'other')
  const [first] = others
  if (first !== undefined) {
    return warn(
      `${others.length} of ${known.length} devices on ${network.interface} are managed by another controller, among them ${first.mac} (${first.name || first.model}) at ${first.address}`,
      'forget them on that controller or reset them to factory settings; then adopt them here',
    )
  }
  if (known.length > 0) {
    return ok(`none of the ${known.length} devices that announced themselves on ${network.interface} names another one`)
  }
  return unmeasured(
    question,
    'only devices tell of their controller, and none has announced itself there',
    'omada-host status lists the devices once they do',
  )
}

function devicesOn(network: BroadcastNetwork, edge: EdgeState): EdgeState['devices'] {
  return edge.devices.filter(({ address }) => isOn(network, address))
}

function isOn(network: BroadcastNetwork, address: string): boolean {
  const value = parseIpv4(address)
  const subnet = parseIpv4Network(`${network.address}/${network.prefix}`)
  return value !== undefined && subnet !== undefined && ipv4Contains(subnet, value)
}

function unasked(question: string, asked: { readonly failed: string }): CheckResult {
  return unmeasured(question, `the question could not be sent: ${asked.failed}`, 'ip address shows the interface')
}

function unmeasured(question: string, why: string, remedy: string): CheckResult {
  return unknown(`could not measure ${question}: ${why}`, remedy)
}
