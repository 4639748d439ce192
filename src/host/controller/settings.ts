import { createHash } from 'node:crypto'
import { parseObject } from '../../core/text.ts'
import type { ContainerSpec } from '../engine/engine.ts'

/**
 * Everything that needs a new container when it changes. Not the grace, which every stop names itself, nor the name
 * servers: what the machine asks today is no reason for a stop.
 */
export type Settings = Omit<ContainerSpec, 'labels' | 'stopTimeoutSeconds' | 'nameServers'> & {
  readonly subnet: string
  /** Labels that other programs read. */
  readonly marks: Readonly<Record<string, string>>
}

type Name = Exclude<keyof Settings, 'environment'>

/** What each setting is called when people are told that it changes. */
const words: Readonly<Record<Name, string>> = {
  name: 'its name',
  image: 'the image',
  mounts: 'what is mounted into it',
  network: 'its network',
  subnet: "its network's subnet",
  address: 'its address',
  ulimits: 'its limits of files and processes',
  init: 'its init',
  logMegabytes: 'how much of its log is kept',
  memoryMegabytes: 'its memory limit',
  cpus: 'its CPU limit',
  runtime: 'its OCI runtime',
  capabilities: 'what its root may do',
  kernelSettings: "its network's kernel settings",
  processLimit: 'its limit of all processes',
  marks: 'labels that keep automatic updaters away from it',
}

/** Versions that wrote no label of their settings made containers of nothing but these. */
const firstSettings: readonly Name[] = [
  ...(['name', 'image', 'mounts', 'network', 'subnet', 'address'] as const),
  ...(['ulimits', 'init', 'logMegabytes', 'memoryMegabytes', 'cpus', 'runtime'] as const),
]

const ofVariable = 'environment.'

/** One-way digest of a value, whatever the order of its keys. */
export function digestOf(value: unknown): string {
  return createHash('sha256')
    .update(JSON.stringify(sorted(value)))
    .digest('hex')
}

/** The text of a label by which it is told later which settings have changed since; it holds no value of any. */
export function settingsLabel(settings: Settings): string {
  return JSON.stringify(digests(settings))
}

/**
 * Which settings a container has otherwise than is wanted now, in words. Pure.
 * @param label what `settingsLabel` returned when it was made; undefined where no label was written
 */
export function changedSettings(label: string | undefined, settings: Settings): readonly string[] {
  return changedNames(label, settings).map((name) => {
    if (name.startsWith(ofVariable)) return `the variable ${name.slice(ofVariable.length)}`
    return name === 'image' ? `${words.image} ${settings.image}` : (new Map(Object.entries(words)).get(name) ?? name)
  })
}

/** The same by the names of the settings. */
export function changedNames(label: string | undefined, settings: Settings): readonly string[] {
  const now = digests(settings)
  const before = parseObject(label ?? '') ?? unchanged(now)
  const names = new Set([...Object.keys(before), ...Object.keys(now)])
  return [...names].filter((name) => before[name] !== now[name])
}

/** What can have been the same before there was a label: all but what did not exist then. */
function unchanged(now: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const known = (name: string) => name.startsWith(ofVariable) || firstSettings.some((first) => first === name)
  return Object.fromEntries(Object.entries(now).filter(([name]) => known(name)))
}

/** Hexadecimal digits: 48 bits tell two values of one setting apart. */
const digestLength = 12

function digests({ environment, ...others }: Settings): Readonly<Record<string, string>> {
  const variables = Object.entries(environment).map(([name, value]): [string, unknown] => [
    `${ofVariable}${name}`,
    value,
  ])
  const values = [...Object.entries(others), ...variables]
  return Object.fromEntries(values.map(([name, value]) => [name, digestOf(value).slice(0, digestLength)]))
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return entries.map(([key, inner]) => [key, sorted(inner)])
}
