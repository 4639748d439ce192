import type { Reason } from '../../core/errors.ts'
import type { Adoption, Device, Ownership } from '../../ipc/edge-state.ts'
import { type Announce, factoryControllerId } from '../../omada/announce.ts'
import { managementPort } from '../../omada/ports.ts'

/** A device as it was seen. Times named `At` are monotonic milliseconds. */
export interface SeenDevice {
  announce: Announce
  address: string
  /** Its clock minus ours when it announced, in milliseconds. */
  skewMilliseconds: number | undefined
  firstSeenAt: number
  seenAt: number
  announces: number
  /** When an adoption was sent to it that has not led to a connection yet. */
  adoptSentAt: number | undefined
  /** It has been connected since it last announced itself as factory-fresh. */
  managed: boolean
  /** When it was seen connected last. */
  connectedAt: number | undefined
}

/** What else there is to know when a device is looked at. */
export interface DeviceContext {
  readonly now: number
  /** What the wall clock is ahead of the monotonic one, in milliseconds. */
  readonly wallAheadMilliseconds: number
  readonly omadacId: string | undefined
  /** Connections to TCP 29814 from the device's address; asked only where it matters. */
  readonly connections: () => { readonly open: number; readonly lastRefusal?: string }
}

/** How long a device may take from PRE_ADOPT to its connection: three announce periods. */
const adoptionMilliseconds = 30_000
/**
 * A device that has not announced itself for this long has stopped: six announces. The controller
 * forgets a pending device even earlier, after about 40 s. Reverse-engineered by third parties.
 */
const silentMilliseconds = 60_000
/** The controller drops a frame whose timestamp is older. Reverse-engineered by third parties. */
const clockToleranceMilliseconds = 20_000

function ownershipOf(announce: Announce, omadacId: string | undefined): Ownership {
  const id = announce.controllerId
  if (id === undefined) return 'unknown'
  if (id === factoryControllerId) return 'factory'
  if (omadacId === undefined) return 'unknown'
  return id === omadacId.toLowerCase() ? 'ours' : 'other'
}

/**
 * A connection from the device's address is taken for its own only when it was adopted here: devices behind one NAT
 * share an address.
 */
export function adoptionOf(device: SeenDevice, context: DeviceContext): Adoption {
  const adopted =
    device.adoptSentAt !== undefined || device.managed || ownershipOf(device.announce, context.omadacId) === 'ours'
  if (adopted && context.connections().open > 0) return 'connected'
  if (device.adoptSentAt === undefined)
    return context.now - device.seenAt > silentMilliseconds ? 'silent' : 'announcing'
  return context.now - device.adoptSentAt > adoptionMilliseconds ? 'stalled' : 'adopt-sent'
}

/** The device as it goes into the state. */
export function viewOf(device: SeenDevice, context: DeviceContext): Device {
  const { announce } = device
  const adoption = adoptionOf(device, context)
  const hint = hintFor(device, adoption, context)
  return {
    mac: announce.mac,
    class: announce.class,
    model: announce.model,
    name: announce.name,
    firmware: announce.firmware,
    address: device.address,
    announcedAddress: announce.address,
    // A connected device does not announce itself: its last announce tells what it was before it was adopted here.
    ownership: adoption === 'connected' ? 'ours' : ownershipOf(announce, context.omadacId),
    adoption,
    ...(hint === undefined ? {} : { hint }),
    ...(device.skewMilliseconds === undefined
      ? {}
      : { clockSkewSeconds: Math.round(device.skewMilliseconds / 100) / 10 }),
    firstSeen: new Date(device.firstSeenAt + context.wallAheadMilliseconds).toISOString(),
    lastSeen: new Date(device.seenAt + context.wallAheadMilliseconds).toISOString(),
    announces: device.announces,
  }
}

/** The most pressing thing that is wrong with a device, if any. */
function hintFor(device: SeenDevice, adoption: Adoption, context: DeviceContext): Reason | undefined {
  if (adoption === 'connected') return undefined
  if (adoption === 'stalled') return stalledHint(device, context)
  if (adoption === 'silent') return silentHint(device, context)
  if (device.skewMilliseconds !== undefined && Math.abs(device.skewMilliseconds) > clockToleranceMilliseconds)
    return clockHint(device.skewMilliseconds)
  if (ownershipOf(device.announce, context.omadacId) !== 'other') return undefined
  return {
    message: `it is managed by another controller (id ${device.announce.controllerId})`,
    remedy: 'forget it on that controller or reset it to factory settings; then adopt it here',
  }
}

function stalledHint(device: SeenDevice, context: DeviceContext): Reason {
  const { lastRefusal } = context.connections()
  const asked = `it was asked to connect to TCP port ${managementPort}, but has not`
  if (lastRefusal !== undefined) {
    return {
      message: `${asked}: its connection was refused here (${lastRefusal})`,
      remedy: `remove what refuses ${device.address} (access.devices, proxy limits, or the controller itself) and adopt it again`,
    }
  }
  return {
    message: `${asked}: no connection from ${device.address} has arrived`,
    remedy: `allow TCP port ${managementPort} from ${device.address} to this machine in its firewall and between the VLANs; then adopt it again`,
  }
}

/** Only what was adopted here is missed: others may have been taken away, or adopted elsewhere. */
function silentHint(device: SeenDevice, context: DeviceContext): Reason | undefined {
  if (!device.managed && ownershipOf(device.announce, context.omadacId) !== 'ours') return undefined
  return {
    message: `it neither announces itself nor has a connection from ${device.address}, where it was last`,
    remedy:
      'check its power and its network; if it has another address now, the controller itself shows it as connected',
  }
}

function clockHint(skewMilliseconds: number): Reason {
  const seconds = Math.round(Math.abs(skewMilliseconds) / 1000)
  const remedy =
    'give the device and this machine the right time (NTP); a device behind a captive network may need the NTP server by DHCP'
  return skewMilliseconds < 0
    ? { message: `its clock is ${seconds} s behind: the controller drops announces more than 20 s old`, remedy }
    : { message: `its clock is ${seconds} s ahead of this machine's: one of the two is wrong`, remedy }
}
