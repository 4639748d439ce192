import { ipv4Contains, parseIpv4, parseIpv4Network } from '../../core/cidr.ts'
import type { EdgeState } from '../../ipc/edge-state.ts'
import type { BroadcastNetwork } from '../../network/broadcast-networks.ts'
import { discoveryPort, managementPort } from '../../omada/ports.ts'
import { type Finding, faultFinding } from '../finding.ts'
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
export function lanFindings(facts: LanFacts): readonly Finding[] {
  return [
    broadcastFinding(facts),
    answerFinding(facts),
    reachFinding(facts),
    applianceFinding(facts),
    controllerFinding(facts),
  ]
}

const notRunning = 'the edge on this machine could not be asked'
const start = 'mend what the check "appliance" tells, and run this again'

function broadcastFinding({ network, edge, waitedSeconds }: LanFacts): Finding {
  const check = 'broadcasts in'
  const where = network.interface
  if (edge === undefined) return unmeasured(check, `whether broadcasts come in on ${where}`, notRunning, start)
  const listener = edge.discovery.listeners.find(({ address, port }) => address === '*' && port === discoveryPort)
  if (listener?.state === 'failed') {
    const { message = 'it could not be opened', code, remedy } = listener.reason ?? {}
    return {
      check,
      status: 'fail',
      message: `${code === undefined ? '' : `[${code}] `}${message}`,
      ...(remedy === undefined ? {} : { remedy }),
    }
  }
  const seen = edge.discovery.broadcasts?.find((one) => one.interface === where)
  if (seen !== undefined) {
    const since = `${seen.count} came in on ${where} since the edge started, the last at ${seen.lastAt}`
    return { check, status: 'ok', message: since }
  }
  return unmeasured(
    check,
    `whether broadcasts come in on ${where}`,
    `none came in ${waitedSeconds} s; devices that are adopted send none`,
    `run this while a device in factory state is connected; or from another machine of that network: echo test | socat - UDP-DATAGRAM:${network.broadcast}:${discoveryPort},broadcast`,
  )
}

/** Asks by broadcast as a device does, although from this machine: the edge chooses the address of its answer likewise. */
function answerFinding({ network, edge, asked, own }: LanFacts): Finding {
  const check = 'answers out'
  const question = `from which address answers leave on ${network.interface}`
  if (edge === undefined) return unmeasured(check, question, notRunning, start)
  if ('failed' in asked) return unasked(check, question, asked)
  const ours = asked.answers.filter(({ address }) => own.has(address))
  const wrong = ours.find(({ address, port }) => address !== network.address || port !== discoveryPort)
  if (wrong !== undefined) {
    return {
      check,
      status: 'fail',
      message: `answers to ${network.interface} leave from ${wrong.address}:${wrong.port} instead of ${network.address}:${discoveryPort}: devices connect to where the answer came from`,
      remedy: `give no two interfaces addresses of one network (ip address), and no rule that rewrites UDP ${discoveryPort} (nft list ruleset)`,
    }
  }
  if (ours.length > 0) {
    return {
      check,
      status: 'ok',
      message: `asked by broadcast from this machine, the edge answers from ${network.address}:${discoveryPort} on ${network.interface}`,
    }
  }
  return unmeasured(
    check,
    question,
    'the edge did not answer the question of its own machine',
    `omada-host status tells whether UDP ${discoveryPort} is served`,
  )
}

function reachFinding({ network, edge }: LanFacts): Finding {
  const check = 'port 29814'
  const question = `whether TCP ${managementPort} is reachable from ${network.interface}`
  const command = `from another machine of that network: nc -vz ${network.address} ${managementPort}`
  if (edge === undefined) return unmeasured(check, question, notRunning, start)
  const served = edge.proxy.ports.find(({ port }) => port === managementPort)
  if (served === undefined || served.state === 'failed') {
    const { message = `it is not among proxy.ports`, remedy = `add ${managementPort} to proxy.ports` } =
      served?.reason ?? {}
    return { check, status: 'fail', message: `TCP ${managementPort} is not served: ${message}`, remedy }
  }
  const connected = devicesOn(network, edge).filter(({ adoption }) => adoption === 'connected').length
  if (connected > 0) return { check, status: 'ok', message: `connected devices on ${network.interface}: ${connected}` }
  if (served.arrivedBy?.includes(network.interface) === true) {
    const message = `other machines have connected on ${network.interface} since the edge started`
    return { check, status: 'ok', message }
  }
  return unmeasured(check, question, 'no other machine has connected there since the edge started', command)
}

function applianceFinding({ network, edge, asked, own, audible }: LanFacts): Finding {
  const check = 'other omada-host'
  const answered = 'failed' in asked ? [] : asked.answers.map(({ address }) => address)
  const heard = (edge?.discovery.peers ?? []).map(({ address }) => address).filter((address) => isOn(network, address))
  const others = [...new Set([...answered.filter((address) => !own.has(address)), ...heard])].sort()
  if (others.length > 0) {
    return faultFinding(check, {
      code: 'OTHER_APPLIANCE',
      message: `another omada-host is on ${network.interface}, at ${others.join(', ')}: both controllers see every device`,
      remedy:
        'stop one of them (systemctl disable --now omada-host there), or give each its own networks (access.devices)',
    })
  }
  const question = `whether another omada-host is on ${network.interface}`
  if ('failed' in asked) return unasked(check, question, asked)
  if (!audible) {
    return unmeasured(
      check,
      question,
      'the packet filter may have dropped its answer',
      'mend what the check "firewall" tells, and run this again',
    )
  }
  return { check, status: 'ok', message: `nobody else answered on ${network.interface}` }
}

/** Controllers answer no question that is known: what devices say of theirs is all there is. */
function controllerFinding({ network, edge }: LanFacts): Finding {
  const check = 'other controller'
  const question = `whether another controller is on ${network.interface}`
  if (edge === undefined) return unmeasured(check, question, notRunning, start)
  const known = devicesOn(network, edge).filter(({ ownership }) => ownership !== 'unknown')
  const others = known.filter(({ ownership }) => ownership === 'other')
  const [first] = others
  if (first !== undefined) {
    return {
      check,
      status: 'warn',
      message: `${others.length} of ${known.length} devices on ${network.interface} are managed by another controller, among them ${first.mac} (${first.name || first.model}) at ${first.address}`,
      remedy: 'forget them on that controller or reset them to factory settings; then adopt them here',
    }
  }
  if (known.length > 0) {
    const message = `none of the ${known.length} devices that announced themselves on ${network.interface} names another one`
    return { check, status: 'ok', message }
  }
  return unmeasured(
    check,
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

function unasked(check: string, question: string, { failed }: { failed: string }): Finding {
  return unmeasured(check, question, `the question could not be sent: ${failed}`, 'ip address shows the interface')
}

function unmeasured(check: string, question: string, why: string, remedy: string): Finding {
  return { check, status: 'unknown', message: `could not measure ${question}: ${why}`, remedy }
}
