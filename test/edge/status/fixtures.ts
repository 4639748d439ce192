import type { Device, EdgeState, ProxyPortState } from '../../../src/ipc/edge-state.ts'
import type { Condition } from '../../../src/ipc/host-state.ts'

export function proxyPort(port: number, changes: Partial<ProxyPortState> = {}): ProxyPortState {
  return {
    port,
    state: 'listening',
    open: 0,
    total: 0,
    bytesIn: 0,
    bytesOut: 0,
    refused: {},
    waitingRoom: 0,
    ...changes,
  }
}

export function device(changes: Partial<Device> = {}): Device {
  return {
    mac: 'AA-BB-CC-00-00-01',
    class: 'ap',
    model: 'EAP650',
    name: 'Office ceiling',
    firmware: '1.2.3',
    address: '192.168.0.21',
    announcedAddress: '192.168.0.21',
    ownership: 'ours',
    adoption: 'connected',
    firstSeen: '2026-03-01T09:00:00.000Z',
    lastSeen: '2026-03-01T10:00:00.000Z',
    announces: 12,
    ...changes,
  }
}

export function edgeState(changes: Partial<EdgeState> = {}): EdgeState {
  return {
    stateVersion: 1,
    startedAt: '2026-03-01T09:00:01.000Z',
    discovery: { sessions: 2, devices: 1, outcomes: { relayed: 10, duplicate: 3 }, listeners: [] },
    proxy: { ports: [proxyPort(8043), proxyPort(29814)] },
    status: { protocol: 'tcp', address: '*', port: 8090, state: 'listening' },
    devices: [device()],
    warnings: [],
    ...changes,
  }
}

export function condition(name: string, changes: Partial<Condition> = {}): Condition {
  return { name, status: 'ok', reason: { message: `${name} works` }, since: '2026-03-01T09:30:00.000Z', ...changes }
}
