import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { configSchema } from '../../../src/config/schema.ts'
import { createLogger } from '../../../src/core/logger.ts'
import { Warnings } from '../../../src/core/warnings.ts'
import { diskFault, diskSpace, type FileSystem, levelOf, readFileSystems } from '../../../src/host/disks/disk-space.ts'
import { controllerPlaces, ownPlaces } from '../../../src/host/disks/storage-places.ts'
import { pathsBelow } from '../../../src/ipc/paths.ts'
import { temporaryDirectory } from '../../ipc/fixtures.ts'
import { ManualClock } from '../../support/manual-clock.ts'

const config = configSchema.parse({})
const data = { source: '/volumes/omada-data/_data', target: '/opt/tplink/EAPController/data' }
const places = controllerPlaces(config, { engineDirectory: '/storage', mounts: [data] })
const [first, ...others] = places
if (first === undefined) throw new Error('no places')
const disk = (freeMegabytes: number, device = 1): FileSystem => ({
  device,
  places: [first, ...others],
  freeMegabytes,
  totalMegabytes: 30_000,
})

test('what is written where: volumes as mounted, directories as configured, the engine, ourselves', () => {
  expect(places.map(({ path }) => path)).toEqual(['/volumes/omada-data/_data', '/storage'])
  const own = configSchema.parse({ controller: { dataVolume: '/srv/omada' } })
  expect(controllerPlaces(own, {}).map(({ path }) => path)).toEqual(['/srv/omada'])
  const external = configSchema.parse({ mongo: { uri: 'mongodb://db/omada' } })
  expect(controllerPlaces(external, { mounts: [data] })).toMatchObject([{ data: false }])
  expect(ownPlaces(pathsBelow('/run', '/var/lib')).map(({ path }) => path)).toEqual([
    '/run/omada-host',
    '/var/lib/omada-host',
    '/var/lib/omada-host-edge',
  ])
})

test('a level is left upwards only with some more space than it is entered with', () => {
  const levels: string[] = []
  let level: ReturnType<typeof levelOf> = 'ok'
  for (const free of [1024, 1023, 1030, 1279, 1280, 127, 150, 160, 1279, 5000]) {
    level = levelOf(disk(free), level)
    levels.push(level)
  }
  expect(levels).toEqual(['ok', 'low', 'low', 'low', 'ok', 'full', 'full', 'low', 'low', 'ok'])
})

test('it says how much is free where, of what, what is kept there, and what to do', () => {
  const fault = diskFault(disk(312), 'low')
  expect(fault).toMatchObject({ code: 'DISK_LOW', remedy: expect.stringContaining('du -xh -d 2 /volumes') })
  expect(fault.message).toBe(
    "the file system of /volumes/omada-data/_data is nearly full: 312 of 30000 MB are free; it holds the controller's data, images and containers in /storage",
  )
  expect(diskFault(disk(3), 'full')).toMatchObject({
    code: 'DISK_FULL',
    message: expect.stringContaining('is full: 3'),
  })
})

test('places on one file system are one, and those that are not there are none', async () => {
  await using directory = await temporaryDirectory()
  const there = join(directory.path, 'there')
  await mkdir(there)
  const at = (path: string) => ({ ...first, path })
  const found = await readFileSystems([at(there), at(directory.path), at(join(directory.path, 'not-there'))])
  expect(found.map((fileSystem) => fileSystem.places.map(({ path }) => path))).toEqual([[there, directory.path]])
  expect(found[0]?.totalMegabytes).toBeGreaterThan(found[0]?.freeMegabytes ?? Number.POSITIVE_INFINITY)
})

test('each change of level is told once, and so is that there is room again', async () => {
  const { lines, history, warnings, look } = watched()
  for (const free of [2000, 900, 800, 50, 40]) await look([disk(free)])
  expect(warnings.list()).toMatchObject([{ code: 'DISK_FULL', message: expect.stringContaining('40 of 30000 MB') }])
  await look([disk(2000)])
  expect(warnings.list()).toEqual([])
  expect(history).toEqual(['disk ok low', 'disk low full', 'disk full ok'])
  expect(lines).toHaveLength(3)
  expect(lines.map((line) => /INFO|WARN|ERROR/.exec(line)?.[0])).toEqual(['WARN', 'ERROR', 'INFO'])
  expect(lines[2]).toContain('/volumes/omada-data/_data has room again')
})

test('a database that is down follows from the disk that holds its data, and from no other', async () => {
  const { warnings, look } = watched()
  const database = warnings.source({ name: 'database' })
  database.raise('database', { code: 'DATABASE_DOWN', message: 'no answer', remedy: 'logs' })
  await look([{ ...disk(10), places: [{ ...first, data: false }] }])
  expect(warnings.list().map(({ code }) => code)).toEqual(['DISK_FULL', 'DATABASE_DOWN'])
  // The place of the data is known only when there is a container.
  await look([disk(10)])
  expect(warnings.list().map(({ code }) => code)).toEqual(['DISK_FULL'])
  expect(database.causeOf('database')?.fault.code).toBe('DISK_FULL')
})

test('a disk that was taken away is no warning any more, and nobody says that it has room', async () => {
  const { lines, history, warnings, look } = watched()
  await look([disk(900), disk(10, 2)])
  expect(warnings.list()).toHaveLength(2)
  await look([disk(900)])
  expect(warnings.list().map(({ code }) => code)).toEqual(['DISK_LOW'])
  expect([lines.length, history.length]).toEqual([2, 2])
})

function watched() {
  const lines: string[] = []
  const history: string[] = []
  const fileSystems: { now: readonly FileSystem[] } = { now: [] }
  const logger = createLogger({ level: 'info', format: 'human', write: (line) => lines.push(line) })
  const clock = new ManualClock()
  const warnings = new Warnings({ logger, clock })
  const disks = diskSpace({
    logger,
    clock,
    warnings: warnings.source({ name: 'disk' }),
    places: () => places,
    read: async () => fileSystems.now,
  })
  warnings.history.on(({ subject, from, to }) => history.push(`${subject} ${from} ${to}`))
  const look = async (now: readonly FileSystem[]) => {
    fileSystems.now = now
    await disks.look()
  }
  return { lines, history, warnings, look }
}
