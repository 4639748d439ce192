import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { configSchema } from '../../src/config/schema.ts'
import { pathsBelow } from '../../src/ipc/paths.ts'
import { openFilesNeeded } from '../../src/linux/open-files.ts'
import { root } from '../architecture/sources.ts'
import { milliseconds, UnitFile } from './unit-file.ts'

const host = new UnitFile('omada-host.service')
const edge = new UnitFile('omada-host-edge.service')
const config = configSchema.parse({})
const sysusers = readFileSync(join(root, 'units/omada-host.sysusers'), 'utf8')
const paths = pathsBelow('/run', '/var/lib')

describe('what ties the two services', () => {
  test('nothing that takes one down with the other', () => {
    const ties = [
      'PartOf',
      'BindsTo',
      'Requires',
      'Requisite',
      'StopPropagatedFrom',
      'PropagatesStopTo',
      'Upholds',
      'JoinsNamespaceOf',
    ]
    for (const unit of [host, edge])
      expect(unit.names.filter((name) => ties.includes(name.split('.')[1] ?? ''))).toEqual([])
  })

  test('the host wants the edge, without an order, and the edge ends when nobody wants it', () => {
    expect(host.words('Unit', 'Wants')).toContain('omada-host-edge.service')
    for (const key of ['After', 'Before']) {
      expect(host.words('Unit', key)).not.toContain('omada-host-edge.service')
      expect(edge.words('Unit', key)).not.toContain('omada-host.service')
    }
    expect(edge.get('Unit', 'StopWhenUnneeded')).toBe('yes')
    expect(edge.names.filter((name) => name.startsWith('Install.'))).toEqual([])
  })

  test('the edge, and nobody else, hears what the host says, and has what it heard over its own restarts', () => {
    const channel = dirname(paths.channelSocket)
    const [group] = edge.words('Service', 'SupplementaryGroups')
    expect(edge.words('Service', 'SupplementaryGroups')).toEqual([group])
    expect(group).not.toBe(host.get('Service', 'Group'))
    // Else systemd starts no DynamicUser=.
    expect(group).not.toBe(basename(edge.path, '.service'))
    expect(readFileSync(join(root, 'units/omada-host.tmpfiles'), 'utf8')).toContain(
      `\nd ${channel} 2750 root ${group} -\n`,
    )
    expect(sysusers).toContain(`\ng ${group} -\n`)
    expect(host.words('Service', 'ReadWritePaths')).toContain(channel)
    // Where no reader of the status can take its place.
    expect(dirname(paths.hostStateForEdgeSocket)).toBe(channel)
    expect(dirname(paths.edgeSelfSocket)).toBe(dirname(paths.edgeKeptFile))
    expect(dirname(paths.edgeKeptFile)).toBe(`/run/${edge.get('Service', 'RuntimeDirectory')}`)
    expect(edge.get('Service', 'RuntimeDirectoryPreserve')).toBe('restart')
  })

  test('the host remembers in a directory that systemd neither re-owns nor cleans', () => {
    const directory = dirname(paths.hostRecordFile)
    expect(host.words('Service', 'ReadWritePaths')).toContain(directory)
    expect(host.names).not.toContain('Service.StateDirectory')
    expect(readFileSync(join(root, 'units/omada-host.tmpfiles'), 'utf8')).toContain(
      `\nd ${directory} 0700 root root -\n`,
    )
  })

  test('each finds the sockets of the other', () => {
    expect(`/run/${host.get('Service', 'RuntimeDirectory')}/state.sock`).toBe(paths.hostStateSocket)
    // Not a RuntimeDirectory=: one that is preserved is in /run/private, where the group may not go.
    expect(edge.words('Service', 'ReadWritePaths')).toEqual([dirname(paths.edgeStateSocket)])
    const [group] = edge.words('Service', 'SupplementaryGroups')
    expect(readFileSync(join(root, 'units/omada-host.tmpfiles'), 'utf8')).toContain(
      `\nd ${dirname(paths.edgeStateSocket)} 0775 root ${group} -\n`,
    )
    expect(`/var/lib/${edge.get('Service', 'StateDirectory')}`).toBe(paths.edgeStateDirectory)
    expect(host.get('Service', 'Group')).toBe(edge.get('Service', 'Group'))
    expect(sysusers).toContain(`\ng ${host.get('Service', 'Group')} -\n`)
  })
})

describe('the life of the services', () => {
  test('systemd waits until the controller is ready, and does not wait for the edge', () => {
    expect(host.get('Service', 'Type')).toBe('notify')
    // StopWhenUnneeded= does not end what is still starting.
    expect(edge.get('Service', 'Type')).toBe('exec')
  })

  test.each([host, edge])('systemd starts it again for ever', (unit) => {
    // systemd-notify is a child.
    expect(unit.get('Service', 'NotifyAccess')).toBe('all')
    expect(unit.get('Service', 'Restart')).toBe('always')
    expect(unit.get('Unit', 'StartLimitIntervalSec')).toBe('0')
    expect(Number(unit.get('Service', 'RestartSteps'))).toBeGreaterThan(0)
    const [first, last] = ['RestartSec', 'RestartMaxDelaySec'].map((key) => milliseconds(unit.get('Service', key)))
    expect(last).toBeGreaterThan(first ?? Number.NaN)
  })

  test('a wrong configuration is not tried again, and a reload is answered by the host', () => {
    expect(host.get('Service', 'RestartPreventExitStatus')).toBe('78')
    expect(host.get('Service', 'SuccessExitStatus')).toBe('143')
    expect(host.all('Service', 'ExecReload')).toEqual([
      `${host.get('Service', 'ExecStart')?.replace(/ host$/, '')} reload`,
    ])
  })

  test('the controller has its grace, and the engine outlives our stop', () => {
    expect(milliseconds(host.get('Service', 'TimeoutStopSec'))).toBeGreaterThan(
      config.controller.stopGraceSeconds * 1000 + 30_000,
    )
    expect(milliseconds(edge.get('Service', 'TimeoutStopSec'))).toBeGreaterThan(config.proxy.drainSeconds * 1000)
    expect(host.get('Service', 'KillMode')).toBe('mixed')
    for (const engine of ['podman.socket', 'podman.service', 'docker.service']) {
      expect(host.words('Unit', 'After')).toContain(engine)
    }
  })

  test.each([host, edge])('the watchdog gives a slow machine some beats', (unit) => {
    expect(milliseconds(unit.get('Service', 'WatchdogSec'))).toBeGreaterThanOrEqual(30_000)
  })

  test('memory is bounded, without what would stall an event loop, and the network’s part goes first', () => {
    for (const unit of [host, edge]) {
      expect(unit.get('Service', 'MemoryMax')).toMatch(/^\d+[MG]$/)
      expect(unit.names).not.toContain('Service.MemoryHigh')
      expect(unit.get('Service', 'OOMPolicy')).toBe('continue')
    }
    expect(host.get('Service', 'MemoryMax')).toBe('400M')
    expect([edge, host].map((unit) => Number(unit.get('Service', 'OOMScoreAdjust')))).toEqual([500, 200])
  })

  test('the edge may open as many files as the default bounds need', () => {
    expect(Number(edge.get('Service', 'LimitNOFILE'))).toBeGreaterThanOrEqual(openFilesNeeded(config))
  })
})

describe('what the services may', () => {
  test('the host: enter a network namespace, set its fence, and no other privilege', () => {
    expect(host.words('Service', 'CapabilityBoundingSet')).toEqual(['CAP_SYS_ADMIN', 'CAP_NET_ADMIN'])
    expect(host.get('Service', 'RestrictNamespaces')).toBe('net')
  })

  test('the edge: nothing', () => {
    expect(edge.get('Service', 'DynamicUser')).toBe('yes')
    expect(edge.words('Service', 'CapabilityBoundingSet')).toEqual([])
    expect(edge.get('Service', 'RestrictNamespaces')).toBe('yes')
  })

  test.each([host, edge])('nothing that V8 or Node cannot live with', (unit) => {
    expect(unit.names).not.toContain('Service.MemoryDenyWriteExecute')
    expect(unit.names).not.toContain('Service.ProcSubset')
    expect(unit.words('Service', 'SystemCallFilter')).toContain('@pkey')
    expect(unit.words('Service', 'RestrictAddressFamilies')).toContain('AF_NETLINK')
  })

  // Measured by systemd 252 and 257. They may fall, and must not grow.
  test.each([
    [host, 2.6],
    [edge, 1.3],
  ])('systemd-analyze security: no more exposure than measured', (unit, exposure) => {
    const options = ['security', '--offline=true', `--threshold=${exposure * 10}`, '--no-pager']
    expect(() => execFileSync('systemd-analyze', [...options, unit.path], { stdio: 'pipe' })).not.toThrow()
  })
})

test('systemd-analyze verify understands both units', () => {
  const directory = mkdtempSync(join(tmpdir(), 'omada-host-units-'))
  try {
    const copies = [host, edge].map(({ path }) => {
      const copy = join(directory, basename(path))
      // What is started is not installed here.
      writeFileSync(copy, readFileSync(path, 'utf8').replaceAll('/usr/lib/omada-host/omada-host', '/bin/true'))
      return copy
    })
    const { status, stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', ...copies], { encoding: 'utf8' })
    // systemd before 254 does not know how to let the delay grow.
    const complaints = stderr.split('\n').filter((line) => !/^$|'Restart(?:Steps|MaxDelaySec)'/.test(line))
    expect(complaints).toEqual([])
    expect(status).toBe(0)
  } finally {
    rmSync(directory, { recursive: true })
  }
})
