import { expect, it } from 'vitest'
import { parseSocketCgroups, unitOf } from '../../src/linux/socket-cgroups.ts'

it('reads which unit opened each socket', () => {
  const text = [
    'tcp LISTEN 0 5 0.0.0.0:8043 0.0.0.0:* ino:117 sk:4 cgroup:/system.slice/holder.service <->',
    'udp UNCONN 0 0 [::]:29810 [::]:* uid:65534 ino:118 sk:5 cgroup:/user.slice/user-0.slice/session-1.scope v6only:0 <->',
    'tcp LISTEN 0 5 0.0.0.0:1 0.0.0.0:* ino:119 sk:6 cgroup:/ <->',
    'tcp LISTEN 0 5 0.0.0.0:2 0.0.0.0:* ino:120 sk:7 cgroup:unreachable:4d2 <->',
    '',
  ].join('\n')
  const found = parseSocketCgroups(text)
  expect(Object.fromEntries(found)).toEqual({
    117: '/system.slice/holder.service',
    118: '/user.slice/user-0.slice/session-1.scope',
  })
  expect([...found.values()].map(unitOf)).toEqual(['holder.service', 'session-1.scope'])
})
