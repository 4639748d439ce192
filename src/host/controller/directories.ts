import { readdir, readFile, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { systemCode } from '../../core/errors.ts'
import { besideDatabase, databaseFiles, markFile, parseMark } from '../../omada/data-directory.ts'

/**
 * A directory that the configuration names, as this process sees it. `unknown`: it may be there, but this process, which
 * has root's name and none of root's rights over files, cannot look into it.
 */
export type DirectoryFacts =
  | { readonly there: false | 'unknown' }
  | {
      readonly there: true
      /** Whether there is a database in it. */
      readonly database: boolean
      /** What our own file in it says. */
      readonly mark?: string | undefined
      /** Another directory, near it, that holds the data of a controller; looked for only where it has no database. */
      readonly elsewhere?: string | undefined
    }

/** So many directories are looked into at most. */
const maxLooks = 300

/** Whether a directory is there, by what this process can see of it. */
export async function directoryThere(path: string): Promise<boolean | 'unknown'> {
  try {
    return (await stat(path)).isDirectory()
  } catch (error) {
    return isAbsent(error) && !(await isPrivate(path)) ? false : 'unknown'
  }
}

/** As a service this process has a /tmp and a /var/tmp of its own (PrivateTmp=): what the engine sees there it does not. */
async function isPrivate(path: string): Promise<boolean> {
  const mountinfo = await readFile('/proc/self/mountinfo', 'utf8').catch(() => '')
  const mounts = mountinfo.matchAll(/^\S+ \S+ \S+ \S*\/systemd-private-\S+ (\S+) /gm)
  return Array.from(mounts, ([, point = '']) => point).some((point) => path.startsWith(`${point}/`))
}

/** Looks at a directory for the data, and where it has no database, for one in, above, below and beside it. */
export async function lookAtDirectory(path: string): Promise<DirectoryFacts> {
  const there = await directoryThere(path)
  if (there !== true) return { there }
  const database = await hasDatabase(join(path, 'db'))
  if (database === undefined) return { there: 'unknown' }
  const mark = parseMark(await readFile(join(path, markFile), 'utf8').catch(() => ''))
  return { there, database, mark, ...(database ? {} : { elsewhere: await nearest(path) }) }
}

async function nearest(path: string): Promise<string | undefined> {
  const parent = dirname(path)
  // It is the database itself.
  if ((await hasDatabase(path)) === true && (await isData(parent))) return parent
  const below = await directoriesIn(path)
  const candidates = [
    ...below,
    ...(await Promise.all(below.slice(0, maxLooks / 10).map(directoriesIn))).flat(),
    ...(await directoriesIn(parent)).flatMap((beside) => [beside, join(beside, 'data')]),
  ]
  for (const candidate of candidates.slice(0, maxLooks)) {
    if (candidate !== path && (await isData(candidate))) return candidate
  }
  return undefined
}

/** A database by itself may be any program's MongoDB. */
async function isData(path: string): Promise<boolean> {
  return (await hasDatabase(join(path, 'db'))) === true && (await hasAny(path, besideDatabase)) === true
}

async function hasDatabase(directory: string): Promise<boolean | undefined> {
  return await hasAny(directory, databaseFiles)
}

/** Undefined where this process cannot tell. */
async function hasAny(directory: string, names: readonly string[]): Promise<boolean | undefined> {
  for (const name of names) {
    const found = await stat(join(directory, name)).then(
      () => true,
      (error: unknown) => (isAbsent(error) ? false : undefined),
    )
    if (found !== false) return found
  }
  return false
}

async function directoriesIn(path: string): Promise<readonly string[]> {
  const entries = await readdir(path, { withFileTypes: true }).catch(() => [])
  return entries
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => join(path, name))
    .sort()
    .slice(0, maxLooks)
}

function isAbsent(error: unknown): boolean {
  return ['ENOENT', 'ENOTDIR'].includes(systemCode(error) ?? '')
}
