import { count, plural } from '../../../core/format.ts'
import { type Html, html } from '../../../core/html.ts'
import type { Adoption, Device, Ownership } from '../../../ipc/edge-state.ts'
import { agoView, type Column, reasonView, table } from './parts.ts'

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

const adoptions: Readonly<Record<Adoption, { mark: string; tone: string }>> = {
  connected: { mark: '✓', tone: 'good' },
  'adopt-sent': { mark: '…', tone: 'busy' },
  announcing: { mark: '•', tone: 'idle' },
  stalled: { mark: '!', tone: 'bad' },
  silent: { mark: '–', tone: 'idle' },
}

function adoptionText(device: Device): string {
  switch (device.adoption) {
    case 'connected':
      return 'Connected'
    case 'adopt-sent':
      return 'Adopting: waiting for it to connect'
    case 'stalled':
      return 'Adopt was sent, but it has not connected'
    case 'silent':
      return 'Silent: not announcing, not connected'
    case 'announcing':
      return device.ownership === 'factory' ? 'Ready to adopt' : 'Announcing, not connected'
  }
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
      const { mark, tone } = adoptions[device.adoption]
      return html`<span class="pair ${tone}"><span class="mark" aria-hidden="true">${mark}</span>${adoptionText(device)}</span>${
        device.hint !== undefined && html`<small class="hint">${reasonView(device.hint)}</small>`
      }`
    },
  },
  { label: 'Announced', kind: 'brief', cell: (device) => agoView(now, device.lastSeen) },
]

/** Rows at most: a table that strangers filled would keep browsers, and this process, busy for nothing. */
const maxRows = 1500

/** The devices that announced themselves; those that need somebody come first. */
export function devicesView(devices: readonly Device[], now: number): Html {
  return html`<section id="devices" class="card" aria-labelledby="devices-title">
<h2 id="devices-title">Devices <span class="count">${count(devices.length)}</span></h2>${
    devices.length === 0
      ? html`<p class="empty">No device has announced itself yet. Devices announce themselves about every 10 seconds on UDP port 29810; one in another network needs DHCP option 138 or an inform URL with the address of this machine.</p>`
      : html`<p class="summary">${summary(devices)}</p>${table({
          label: 'Devices',
          columns: columns(now),
          rows: [...devices].sort(byUrgency).slice(0, maxRows),
          key: (device) => device.mac,
        })}${
          devices.length > maxRows &&
          html`<p class="summary">${count(devices.length - maxRows)} more are not shown: <a href="/api/v1/devices">all devices as JSON</a></p>`
        }`
  }</section>`
}

const urgency: Readonly<Record<Adoption, number>> = {
  stalled: 0,
  'adopt-sent': 1,
  announcing: 2,
  connected: 3,
  silent: 4,
}

function byUrgency(a: Device, b: Device): number {
  const needs = (device: Device) => (device.hint === undefined ? urgency[device.adoption] : 0)
  return needs(a) - needs(b) || compare(a.name, b.name) || compare(a.mac, b.mac)
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b)
}

function summary(devices: readonly Device[]): string {
  const connected = devices.filter((device) => device.adoption === 'connected').length
  const ready = devices.filter((device) => device.adoption === 'announcing' && device.ownership === 'factory').length
  const stalled = devices.filter((device) => device.adoption === 'stalled').length
  return [
    `${count(connected)} connected`,
    ...(ready === 0 ? [] : [`${count(ready)} ready to adopt`]),
    ...(stalled === 0 ? [] : [`${plural(stalled, 'has', 'have')} not connected after adopt was sent`]),
  ].join(' · ')
}
