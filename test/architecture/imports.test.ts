import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readSources, root, type Source } from './sources.ts'

const sources = readSources()

const pure = ['core', 'omada', 'config']
const shared = [...pure, 'engine', 'state', 'network', 'systemd']
const features = ['controller', 'health', 'discovery', 'proxy', 'status', 'netcheck']

/** What each room may import beside itself. A feature never imports another: it declares the port that it needs. */
const allowed: Readonly<Record<string, readonly string[]>> = {
  core: [],
  omada: ['core'],
  config: ['core', 'omada'],
  systemd: ['core'],
  state: pure,
  network: pure,
  // The engine's pull speaks in the state's terms of progress.
  engine: [...pure, 'state'],
  ...Object.fromEntries(features.map((feature) => [feature, shared])),
  roots: [...shared, ...features],
  cli: [...shared, ...features, 'roots'],
  main: ['core', 'cli'],
}

/** `src/config/load.ts` is of the room `config`; the files beside the rooms are the composition roots, and main.ts. */
function roomOf(path: string): string {
  const [, first = '', second] = path.split('/')
  if (second !== undefined) return first
  return first === 'main.ts' ? 'main' : 'roots'
}

test('every room has its place in the order', () => {
  expect([...new Set(sources.map(({ path }) => roomOf(path)))].filter((room) => !(room in allowed))).toEqual([])
})

test('every import of ours is of a file that is there', () => {
  const missing = sources.flatMap(({ path, imports }) =>
    imports.filter((target) => !existsSync(join(root, target))).map((target) => `${path} → ${target}`),
  )
  expect(missing).toEqual([])
})

test('imports run downwards only', () => {
  const upward = sources.flatMap(({ path, imports }) =>
    imports
      .filter((target) => target.startsWith('src/'))
      .filter((target) => roomOf(target) !== roomOf(path) && !allowed[roomOf(path)]?.includes(roomOf(target)))
      .map((target) => `${path} → ${target}`),
  )
  expect(upward).toEqual([])
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
