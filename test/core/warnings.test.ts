import { expect, test } from 'vitest'
import { createLogger } from '../../src/core/logger.ts'
import { Warnings } from '../../src/core/warnings.ts'

/** A registry whose time stands still, with what it logged, put into the history and how often it changed. */
function scene() {
  const time = { now: 0 }
  const lines: string[] = []
  const history: string[] = []
  const seen = { changes: 0 }
  const warnings = new Warnings({
    logger: createLogger({
      level: 'info',
      format: 'human',
      write: (line) => lines.push(line.replace(/^\S+ /, '').trim()),
    }),
    clock: { now: () => time.now, wall: () => time.now, sleep: async () => {} },
  })
  warnings.history.on(({ subject, from, to, message }) => history.push(`${subject} ${from} → ${to}: ${message}`))
  warnings.changed.on(() => {
    seen.changes += 1
  })
  return { time, lines, history, seen, warnings, codes: () => warnings.list().map(({ code }) => code) }
}

const low = { code: 'DISK_LOW', message: 'nearly full', remedy: 'free space' } as const
const full = { code: 'DISK_FULL', message: 'full', remedy: 'free space' } as const
const database = { code: 'DATABASE_DOWN', message: 'no answer', remedy: 'logs' } as const
const web = { code: 'WEB_DOWN', message: 'no page', remedy: 'logs' } as const

test('a warning has since, is logged and remembered once when it begins and once when it ends', () => {
  const { time, lines, history, seen, warnings } = scene()
  const disk = warnings.source({ name: 'disk' })
  time.now = 1000
  disk.raise('/data', low)
  time.now = 2000
  disk.raise('/data', { ...low, message: 'nearly full: 12 MB' })
  expect(warnings.list()).toEqual([
    { ...low, message: 'nearly full: 12 MB', severity: 'warning', since: '1970-01-01T00:00:01.000Z' },
  ])
  disk.raise('/data', { ...low, message: 'nearly full: 12 MB' })
  expect(seen.changes).toBe(2)
  disk.clear('/data', 'room again')
  disk.clear('/data', 'room again')
  expect(warnings.list()).toEqual([])
  expect(lines).toEqual(['WARN  disk: nearly full code=DISK_LOW remedy=free space', 'INFO  disk: room again'])
  expect(history).toEqual(['disk ok → low: nearly full', 'disk low → ok: room again'])
})

test('one that becomes another goes over into it, with a since of its own', () => {
  const { time, lines, history, warnings } = scene()
  const disk = warnings.source({ name: 'disk' })
  disk.raise('/data', low)
  time.now = 5000
  disk.raise('/data', full)
  disk.clear('/data')
  expect(history).toEqual(['disk ok → low: nearly full', 'disk low → full: full', 'disk full → ok: it is over: full'])
  expect(lines.map((line) => line.slice(0, 5))).toEqual(['WARN ', 'ERROR', 'INFO '])
})

test('a consequence is hidden and not logged while its cause stands, across sources; after that it is seen', () => {
  const { lines, history, warnings, codes } = scene()
  const disk = warnings.source({ name: 'disk' })
  const other = warnings.source({ name: 'other', subject: (instance) => instance })
  disk.raise('data', full)
  other.raise('database', database)
  other.raise('web', web)
  expect(codes()).toEqual(['DISK_FULL'])
  expect(other.causeOf('web')).toEqual({ source: 'other', instance: 'database', fault: database })
  expect(other.causeOf('database')).toMatchObject({ source: 'disk', instance: 'data', fault: full })
  expect(disk.causeOf('data')).toBeUndefined()
  expect(lines).toHaveLength(1)
  expect(history.map((entry) => entry.split(' ')[0])).toEqual(['disk', 'database', 'web'])
  disk.clear('data')
  expect(codes()).toEqual(['DATABASE_DOWN'])
  expect(lines.at(-1)).toContain('no answer')
  other.clear('database')
  expect(codes()).toEqual(['WEB_DOWN'])
  expect(other.causeOf('database')).toBeUndefined()
})

test('only the disk that holds the data is why the database is down, and nothing is its own cause', () => {
  const { warnings, codes } = scene()
  const disk = warnings.source({ name: 'disk' })
  const other = warnings.source({ name: 'other' })
  disk.raise('/run', full)
  other.raise('database', database)
  expect(codes()).toEqual(['DISK_FULL', 'DATABASE_DOWN'])
  other.raise('web', web)
  other.clear('database')
  expect(codes()).toEqual(['DISK_FULL', 'WEB_DOWN'])
  other.raise('web-ports', web)
  expect(other.causeOf('web-ports')?.instance).toBe('web')
  expect(other.causeOf('web')).toBeUndefined()
})

test('what has not stood for long enough is not told at all', () => {
  const { time, lines, history, warnings, codes } = scene()
  const unknown = { code: 'ACCESS_UNKNOWN_INTERFACE', message: 'no eth9', remedy: 'correct it' } as const
  const network = warnings.source({ name: 'network' })
  network.set([unknown])
  time.now = 4999
  network.set([])
  time.now = 5000
  network.set([unknown])
  time.now = 9999
  warnings.settle()
  expect({ codes: codes(), lines, history }).toEqual({ codes: [], lines: [], history: [] })
  time.now = 10_000
  warnings.settle()
  expect(codes()).toEqual(['ACCESS_UNKNOWN_INTERFACE'])
  expect(warnings.list()[0]?.since).toBe('1970-01-01T00:00:05.000Z')
  expect([lines.length, history.length]).toEqual([1, 1])
})

test('what happens again and again is one warning, until it has not happened for a while; then it tells how often it did', () => {
  const { time, lines, seen, warnings, codes } = scene()
  const flood = { code: 'DISCOVERY_FLOOD', message: 'too many', remedy: 'find out' } as const
  const discovery = warnings.source({ name: 'discovery' })
  for (time.now = 0; time.now < 100_000; time.now += 10) discovery.happened(flood, 60_000)
  time.now = 159_000
  warnings.settle()
  expect([codes(), lines.length, seen.changes]).toEqual([['DISCOVERY_FLOOD'], 1, 1])
  time.now = 160_000
  warnings.settle()
  expect(codes()).toEqual([])
  expect(lines).toEqual([
    expect.stringContaining('WARN  discovery: too many'),
    'INFO  discovery: it is over: too many (10000 times)',
  ])
})

test('a set is all that is wrong: the rest is over, several of one code are told apart', () => {
  const { warnings, seen } = scene()
  const controller = warnings.source({ name: 'controller' })
  const [one, two] = [
    { code: 'ENGINE_NO_CPU_LIMIT', message: 'no cpus', remedy: 'change it' },
    { code: 'ENGINE_NO_CPU_LIMIT', message: 'no cpuset', remedy: 'change it' },
  ] as const
  controller.set([one, two])
  expect(warnings.list().map(({ message }) => message)).toEqual(['no cpus', 'no cpuset'])
  controller.set([one, two])
  expect(seen.changes).toBe(1)
  controller.set([{ ...two, instance: 'its own' }])
  expect(warnings.list().map(({ message }) => message)).toEqual(['no cpuset'])
  warnings.source({ name: 'other' }).set([])
  expect(warnings.list()).toHaveLength(1)
})

test('the worst come first, then the oldest', () => {
  const { time, warnings } = scene()
  const source = warnings.source({ name: 'any' })
  const raise = (code: 'IMAGE_TAG_LATEST' | 'OPEN_FILES_LOW' | 'CONTROLLER_OUT_OF_MEMORY' | 'INTERNAL') => {
    time.now += 1
    source.raise(code, { code, message: code, remedy: '' })
  }
  for (const code of ['IMAGE_TAG_LATEST', 'OPEN_FILES_LOW', 'CONTROLLER_OUT_OF_MEMORY', 'INTERNAL'] as const)
    raise(code)
  expect(warnings.list()).toMatchObject([
    { code: 'CONTROLLER_OUT_OF_MEMORY', severity: 'error' },
    { code: 'INTERNAL', severity: 'error' },
    { code: 'OPEN_FILES_LOW', severity: 'warning' },
    { code: 'IMAGE_TAG_LATEST', severity: 'notice' },
  ])
})

test('what is of the engine enters the log and not the history', () => {
  const { lines, history, warnings } = scene()
  const controller = warnings.source({ name: 'controller' })
  controller.set([{ code: 'ENGINE_TIMEOUT', message: 'no answer', remedy: 'wait' }])
  controller.set([])
  expect(history).toEqual([])
  expect(lines).toEqual([
    'ERROR controller: no answer code=ENGINE_TIMEOUT remedy=wait',
    'INFO  controller: the container engine works again',
  ])
})

test('what its owner shows is a cause for others, and is neither listed nor logged; forgotten, it ends without a word', () => {
  const { lines, history, warnings, codes } = scene()
  const health = warnings.source({ name: 'health', subject: (instance) => instance, shownElsewhere: true })
  const other = warnings.source({ name: 'other' })
  health.raise('database', database, { from: 'unknown' })
  other.raise('web', web)
  expect(codes()).toEqual([])
  expect(history[0]).toBe('database unknown → failing: no answer')
  health.remember('web', { from: 'unknown', to: 'ok', message: 'answers' })
  expect(history.at(-1)).toBe('web unknown → ok: answers')
  const told = history.length
  health.forget()
  expect(codes()).toEqual(['WEB_DOWN'])
  expect(history).toHaveLength(told)
  expect(lines).toEqual([expect.stringContaining('no page')])
})

test('who comes late finds what was said last, and not without end', () => {
  const { warnings, history } = scene()
  const disk = warnings.source({ name: 'disk' })
  disk.raise('/', low)
  disk.clear('/', 'room again')
  expect(warnings.recent.map(({ to, message }) => [to, message])).toEqual([
    ['low', 'nearly full'],
    ['ok', 'room again'],
  ])
  for (let number = 0; number < 100; number += 1) {
    disk.raise('/', low)
    disk.clear('/', `${number}`)
  }
  expect(history).toHaveLength(202)
  expect(warnings.recent).toHaveLength(50)
  expect(warnings.recent.at(-1)?.message).toBe('99')
})

test('a source that raises without end fills no memory', () => {
  const { warnings } = scene()
  const source = warnings.source({ name: 'any' })
  for (let number = 0; number < 1000; number += 1) source.raise(`${number}`, low)
  source.raise('0', full)
  expect(warnings.list()).toHaveLength(64)
  expect(warnings.list()[0]?.code).toBe('DISK_FULL')
  source.clear('5')
  source.raise('new', low)
  expect(warnings.list()).toHaveLength(64)
})
