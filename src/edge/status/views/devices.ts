import { count, plural } from '../../../core/format.ts'
import { type Html, html } from '../../../core/html.ts'
import type { Adoption, Device, Ownership } from '../../../ipc/edge-state.ts'
import { agoView, type Column, card, type Look, stateView, table } from './parts.ts'

const classes = new Map([
  ['ap', 'Access point'],
  ['switch', 'Switch'],
  ['gateway', 'Gateway'],
  ['olt', 'OLT'],
])

const ownerships: Readonly<Record<Ownership, string>> = {
  factory: 'Nobody yet',
  ours: 'This controller',
  other: 'Another controller',
  unknown: 'Does not say',
}

/** Those that need somebody first. */
const adoptions: Readonly<Record<Adoption, Look & { words: string }>> = {
  stalled: { mark: '!', tone: 'bad', words: 'Adopt was sent, but it has not connected' },
  'adopt-sent': { mark: '…', tone: 'busy', words: 'Adopting: waiting for it to connect' },
  announcing: { mark: '•', tone: 'idle', words: 'Announcing, not connected' },
  connected: { mark: '✓', tone: 'good', words: 'Connected' },
  silent: { mark: '–', tone: 'idle', words: 'Silent: not announcing, not connected' },
}

const urgency = Object.keys(adoptions)

function isReady({ adoption, ownership }: Device): boolean {
  return adoption === 'announcing' && ownership === 'factory'
}

const columns = (now: number): readonly Column<Device>[] => [
  {
    label: 'Device',
    // The name comes from the LAN: <bdi> keeps one written right to left from turning the rest of the row around.
    cell: (device) =>
      html`<bdi>${device.name || device.model || device.mac}</bdi><small class="mac">${device.mac}</small>`,
  },
  {
    label: 'Model',
    cell: (device) =>
      html`<bdi>${device.model || 'unknown'}</bdi><small>${classes.get(device.class) ?? html`<bdi>${device.class}</bdi>`}${
        device.firmware !== '' && html`, firmware <bdi>${device.firmware}</bdi>`
      }</small>`,
  },
  {
    label: 'Address',
    kind: 'brief',
    cell: (device) =>
      html`${device.address}${
        device.announcedAddress !== '' &&
        device.announcedAddress !== device.address &&
        html`<small>says <bdi>${device.announcedAddress}</bdi></small>`
      }`,
  },
  { label: 'Managed by', cell: (device) => ownerships[device.ownership] },
  {
    label: 'Adoption',
    cell: (device) => {
      const look = adoptions[device.adoption]
      return stateView(look, isReady(device) ? 'Ready to adopt' : look.words, device.hint)
    },
  },
  { label: 'Announced', kind: 'brief', cell: (device) => agoView(now, device.lastSeen) },
]

/** Rows at most: a table that strangers filled would keep browsers, and this process, which also forwards, busy for nothing. */
const maxRows = 500

/** The devices that announced themselves; those that need somebody come first. */
export function devicesView(devices: readonly Device[], now: number): Html {
  const title = html`Devices <span class="count">${count(devices.length)}</span>`
  const rows = [...devices].sort(byUrgency).slice(0, maxRows)
  const content =
    devices.length > 0 &&
    html`<p class="summary">${summary(devices)}</p>${table({ label: 'Devices', columns: columns(now), rows, key: ({ mac }) => mac })}${
      devices.length > maxRows &&
      html`<p class="summary">${count(devices.length - maxRows)} more are not shown: <a href="/api/v1/devices">all devices as JSON</a></p>`
    }`
  return card(
    'devices',
    title,
    content,
    'No device has announced itself yet. Devices announce themselves about every 10 seconds on UDP port 29810; one in another network needs DHCP option 138 or an inform URL with the address of this machine.',
  )
}

function byUrgency(a: Device, b: Device): number {
  const needs = (device: Device) => (device.hint === undefined ? urgency.indexOf(device.adoption) : 0)
  return needs(a) - needs(b) || compare(a.name, b.name) || compare(a.mac, b.mac)
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b)
}

function summary(devices: readonly Device[]): string {
  const connected = devices.filter((device) => device.adoption === 'connected').length
  const ready = devices.filter(isReady).length
  const stalled = devices.filter((device) => device.adoption === 'stalled').length
  return [
    `${count(connected)} connected`,
    ...(ready === 0 ? [] : [`${count(ready)} ready to adopt`]),
    ...(stalled === 0 ? [] : [`${plural(stalled, 'has', 'have')} not connected after adopt was sent`]),
  ].join(' · ')
}
