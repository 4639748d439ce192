import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readSources, root, type Source } from './sources.ts'

const sources = readSources()

/**
 * The floors of the house, the ground first; on a floor nobody imports a neighbour. `host` runs as root and `edge` faces
 * the LAN: the wall is that they stand side by side on one floor.
 */
const floors: readonly (readonly string[])[] = [
  ['core'],
  ['omada', 'systemd'],
  ['config'],
  // What the kernel tells is asked for by the other two.
  ['linux'],
  ['network'],
  ['ipc'],
  ['host', 'edge'],
  ['diagnosis'],
  ['cli'],
  ['main'],
]

/** Of one process: what all its features may use, and the rooms that no other room of it imports but its composition. */
const processes = {
  host: { shared: ['engine'], features: ['controller', 'health', 'images', 'disks', 'datapath', 'device-address'] },
  edge: { shared: ['listening'], features: ['discovery', 'proxy', 'status'] },
} as const

/** What diagnosis asks of the host: its pure judges, and the engine. */
const judges = [
  'src/host/controller/data-obstacles.ts',
  'src/host/controller/directories.ts',
  'src/host/controller/machine.ts',
  'src/host/controller/plan.ts',
  'src/host/controller/preflight.ts',
  'src/host/controller/record.ts',
  'src/host/datapath/',
  'src/host/disks/',
  'src/host/engine/',
] as const

interface Room {
  readonly floor: string
  /** The room inside a process; undefined for its composition, the files beside its rooms. */
  readonly feature: string | undefined
}

/** `src/host/health/monitor.ts` is of `host`, and there of `health`; `src/main.ts` is a floor of its own. */
function roomOf(path: string): Room {
  const [, first = '', second = '', third] = path.split('/')
  return {
    floor: second === '' ? first.replace(/\.ts$/, '') : first,
    feature: third === undefined ? undefined : second,
  }
}

/** Why `path` may not import `target`; undefined when it may. */
function forbidden(path: string, target: string): string | undefined {
  const [from, to] = [roomOf(path), roomOf(target)]
  const level = (room: Room) => floors.findIndex((floor) => floor.includes(room.floor))
  if (from.floor !== to.floor) {
    if (level(to) >= level(from)) return level(to) === level(from) ? 'through a wall' : 'upwards'
    if (from.floor === 'diagnosis' && to.floor === 'edge') return "diagnosis asks the edge's rooms"
    if (from.floor === 'diagnosis' && to.floor === 'host' && !judges.some((judge) => target.startsWith(judge))) {
      return 'diagnosis asks more of the host than its judges'
    }
    return undefined
  }
  if (from.floor !== 'host' && from.floor !== 'edge') return undefined
  const { shared, features } = processes[from.floor]
  const isShared = (room: Room) => shared.some((name) => name === room.feature)
  if (from.feature === undefined || from.feature === to.feature) return undefined
  if (to.feature === undefined) return 'a room imports its composition'
  if (isShared(to) && !isShared(from)) return undefined
  return features.some((name) => name === from.feature)
    ? 'a feature imports another'
    : 'a shared room imports a feature'
}

/** The imports among `files` that are not allowed, each with why. */
function strayImports(files: readonly Source[]): readonly string[] {
  return files.flatMap(({ path, imports }) =>
    imports
      .filter((target) => target.startsWith('src/'))
      .map((target) => ({ target, why: forbidden(path, target) }))
      .filter(({ why }) => why !== undefined)
      .map(({ target, why }) => `${path} → ${target}: ${why}`),
  )
}

test('src has main.ts and rooms, nothing else', () => {
  const floorsThere = new Set(sources.map(({ path }) => roomOf(path).floor))
  expect([...floorsThere].sort()).toEqual(floors.flat().sort())
  const rooms = sources.map(({ path }) => roomOf(path))
  const known = Object.entries(processes).flatMap(([floor, { shared, features }]) =>
    [...shared, ...features].map((feature) => `${floor}/${feature}`),
  )
  const there = new Set(
    rooms.flatMap(({ floor, feature }) =>
      (floor === 'host' || floor === 'edge') && feature !== undefined ? [`${floor}/${feature}`] : [],
    ),
  )
  expect([...there].sort()).toEqual(known.sort())
})

test('every import of ours is of a file that is there', () => {
  const missing = sources.flatMap(({ path, imports }) =>
    imports.filter((target) => !existsSync(join(root, target))).map((target) => `${path} → ${target}`),
  )
  expect(missing).toEqual([])
})

test('imports run downwards only, and none goes through the wall or from feature to feature', () => {
  expect(strayImports(sources)).toEqual([])
})

test.each([
  ['src/edge/edge.ts', 'src/host/host.ts', 'through a wall'],
  ['src/host/health/monitor.ts', 'src/edge/proxy/proxy.ts', 'through a wall'],
  ['src/host/health/monitor.ts', 'src/host/controller/plan.ts', 'a feature imports another'],
  ['src/edge/proxy/proxy.ts', 'src/edge/edge.ts', 'a room imports its composition'],
  ['src/host/engine/engine.ts', 'src/host/disks/disk-space.ts', 'a shared room imports a feature'],
  ['src/ipc/server.ts', 'src/host/host.ts', 'upwards'],
  ['src/core/errors.ts', 'src/main.ts', 'upwards'],
  ['src/omada/frame.ts', 'src/systemd/notify.ts', 'through a wall'],
  ['src/diagnosis/netcheck/lan.ts', 'src/edge/discovery/peers.ts', "diagnosis asks the edge's rooms"],
  ['src/diagnosis/doctor/examine.ts', 'src/host/host.ts', 'diagnosis asks more of the host than its judges'],
])('an import from %s of %s would be found: %s', (path, target, why) => {
  expect(strayImports([{ path, imports: [target], text: '' }])).toEqual([`${path} → ${target}: ${why}`])
})

test('what runs in the browser imports nothing of the server, and nothing of it is imported there', () => {
  const inBrowser = (path: string) => path.startsWith('src/edge/status/page/')
  expect(sources.filter(({ path }) => inBrowser(path))).not.toEqual([])
  const crossing = sources.flatMap(({ path, imports }) =>
    imports.filter((target) => inBrowser(path) !== inBrowser(target)).map((target) => `${path} → ${target}`),
  )
  expect(crossing).toEqual([])
})

test('no import goes round in a circle', () => {
  expect(circles(sources)).toEqual([])
})

test('a circle would be found', () => {
  const source = (path: string, ...imports: string[]): Source => ({ path, imports, text: '' })
  expect(circles([source('a', 'b'), source('b', 'c'), source('c', 'b'), source('d', 'a')])).toEqual(['b → c → b'])
})

/** The circles among the imports, each once. */
function circles(files: readonly Source[]): readonly string[] {
  const importsOf = new Map(files.map(({ path, imports }) => [path, imports]))
  const finished = new Set<string>()
  const found: string[] = []
  const visit = (path: string, trail: readonly string[]) => {
    if (trail.includes(path)) found.push([...trail.slice(trail.indexOf(path)), path].join(' → '))
    else if (!finished.has(path)) {
      for (const target of importsOf.get(path) ?? []) visit(target, [...trail, path])
      finished.add(path)
    }
  }
  for (const { path } of files) visit(path, [])
  return found
}
