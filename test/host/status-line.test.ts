import { expect, test } from 'vitest'
import { statusLine } from '../../src/host/status-line.ts'
import type { HostState } from '../../src/ipc/host-state.ts'
import { hostState } from '../ipc/fixtures.ts'

const pulling = (current: number, total: number): HostState => ({
  ...hostState(),
  phase: 'pulling',
  reason: { message: 'pulling the image' },
  controller: { image: 'x', address: '10.0.0.2', pull: { image: 'x', current, total, layers: [], attempt: 1 } },
})
const of = (phase: HostState['phase'], message: string, fault: Partial<HostState['reason']> = {}): HostState => ({
  ...hostState(),
  phase,
  reason: { message, ...fault },
})

test.each([
  [pulling(212_000_000, 490_000_000), 'Pulling image 43 % (212 MB of 490 MB)'],
  [pulling(490_000_000, 490_000_000), 'Pulling image 100 % (490 MB of 490 MB)'],
  [pulling(0, 0), 'Pulling image'],
  [pulling(3_000_000, 0), 'Pulling image (3 MB)'],
  [
    { ...pulling(0, 0), reason: { code: 'REGISTRY_UNREACHABLE', message: 'no answer', remedy: 'wait' } as const },
    'Pulling image, trying again: no answer; fix: wait',
  ],
  [of('starting', 'MongoDB up, waiting for the web server'), 'MongoDB up, waiting for the web server'],
  [of('creating', 'creating the container'), 'Creating the container'],
  [of('ready', 'the controller is ready'), 'Ready: the controller is ready'],
  [
    {
      ...of('ready', 'the controller is ready'),
      warnings: [
        { code: 'IMAGE_TAG_LATEST', message: 'to know', remedy: 'pin it', severity: 'notice' },
        { code: 'DISK_LOW', message: 'the disk is nearly full', remedy: 'free space', severity: 'warning' },
      ],
    } satisfies HostState,
    'Ready: the controller is ready; but the disk is nearly full; fix: free space',
  ],
  [
    {
      ...of('ready', 'the controller is ready'),
      warnings: [
        { code: 'DEVICE_ADDRESS', message: 'it is unknown', remedy: 'set it', severity: 'warning' },
        { code: 'DISK_LOW', message: 'the disk is nearly full', remedy: 'free space', severity: 'warning' },
      ],
    } satisfies HostState,
    'Ready: the controller is ready; but the disk is nearly full; fix: free space',
  ],
  [
    {
      ...of('ready', 'the controller is ready'),
      warnings: [{ code: 'DEVICE_ADDRESS', message: 'it is unknown', remedy: 'set it', severity: 'warning' }],
    } satisfies HostState,
    'Ready: the controller is ready; but it is unknown; fix: set it',
  ],
  [of('degraded', 'MongoDB is down', { remedy: 'omada-host logs' }), 'Degraded: MongoDB is down; fix: omada-host logs'],
  [of('failed', 'no such image', { remedy: 'another tag' }), 'Failed: no such image; fix: another tag'],
])('what systemctl status shows (%#)', (state, line) => {
  expect(statusLine(state)).toBe(line)
})
