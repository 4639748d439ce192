import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { parseCpuFlags, parseMemTotal, readMachineFacts } from '../../../src/host/controller/machine.ts'

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'machine-'))
})
afterEach(async () => {
  await rm(directory, { recursive: true, force: true })
})

const write = async (path: string, text: string) => {
  await mkdir(dirname(join(directory, path)), { recursive: true })
  await writeFile(join(directory, path), text)
}
const read = async (architecture = 'x64') =>
  await readMachineFacts(
    {
      kernel: join(directory, 'osrelease'),
      cpuinfo: join(directory, 'cpuinfo'),
      meminfo: join(directory, 'meminfo'),
      route: join(directory, 'route'),
      timezone: join(directory, 'timezone'),
      localtime: join(directory, 'localtime'),
      cgroups: join(directory, 'cgroup'),
    },
    architecture,
  )

test('a machine is read from its files', async () => {
  await write('osrelease', '6.12.41+deb13-amd64\n')
  await write('cpuinfo', 'processor\t: 0\nflags\t\t: fpu avx sse\nprocessor\t: 1\nflags\t\t: fpu avx\n')
  await write('meminfo', 'MemTotal:        3977216 kB\nMemFree: 1 kB\n')
  await write(
    'route',
    'Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\neth0\t0000A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\n',
  )
  await symlink('/usr/share/zoneinfo/Europe/Berlin', join(directory, 'localtime'))
  await write('cgroup/unified/cgroup.controllers', 'hugetlb\n')
  const facts = await read()
  expect(facts).toMatchObject({
    architecture: 'amd64',
    kernel: '6.12.41+deb13-amd64',
    memoryMegabytes: 3884,
    timezone: 'Europe/Berlin',
    cgroups: { mode: 'hybrid', unifiedControllers: ['hugetlb'] },
  })
  expect([...facts.cpuFlags]).toEqual(['fpu', 'avx'])
  expect(await facts.routes()).toMatchObject([{ interface: 'eth0', prefix: 24 }])
  expect(await facts.freeMegabytes(directory)).toBeGreaterThan(0)
  expect(await facts.freeMegabytes('/nowhere')).toBeUndefined()
})

test('a machine without zone, routes or cgroups is read all the same', async () => {
  await write('cpuinfo', 'Features\t: fp asimd\n')
  await write('meminfo', '')
  await write('timezone', 'Not/AZone\n')
  const facts = await read('arm64')
  expect(facts).toMatchObject({
    architecture: 'arm64',
    timezone: 'Etc/UTC',
    memoryMegabytes: 0,
    cgroups: { mode: 'legacy' },
  })
  expect(await facts.routes()).toEqual([])
})

test("Debian's /etc/timezone serves where there is no link", async () => {
  await write('cpuinfo', '')
  await write('meminfo', '')
  await write('timezone', 'Asia/Tokyo\n')
  await write('cgroup/cgroup.controllers', 'cpu memory\n')
  expect(await read()).toMatchObject({
    timezone: 'Asia/Tokyo',
    cgroups: { mode: 'unified', unifiedControllers: ['cpu', 'memory'] },
  })
})

test('only flags that every processor has count', () => {
  expect([...parseCpuFlags('Features\t: fp fphp\nFeatures\t: fp\n')]).toEqual(['fp'])
  expect(parseCpuFlags('nothing').size).toBe(0)
  expect(parseMemTotal('nothing')).toBe(0)
})
