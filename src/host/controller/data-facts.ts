import { posix } from 'node:path'
import {
  controllerVersion,
  type DataVersions,
  dataFiles,
  imageVersionFile,
  markFile,
  parseMark,
  storageEngineVersion,
} from '../../omada/data-directory.ts'
import { dataDirectory, imageUser } from '../../omada/image-contract.ts'
import type { Engine } from '../engine/engine.ts'

/** A version, an id: short. WiredTiger.turtle is some 2 KB, with the version in its second line. */
const maxBytes = 8192

/** What the data of a container say, whether it runs or not. */
export interface DataFacts extends DataVersions {
  readonly database: boolean
  readonly mark: string | undefined
}

/**
 * Reads it through the engine, as this process has no right to the data (units/omada-host.service), and the container's
 * own view is the one that counts.
 * @throws what the engine's calls throw
 */
export async function readDataFacts(engine: Engine, id: string, signal: AbortSignal): Promise<DataFacts> {
  const text = async (path: string) => (await engine.file(id, path, { maxBytes, signal }))?.content.toString('utf8')
  const inData = (name: string) => posix.join(dataDirectory, name)
  const turtle = await text(inData(dataFiles.storageEngine))
  // Each look costs Podman some 100 ms. Older kinds of database are the entrypoint's to refuse.
  const database = turtle !== undefined || (await text(inData('db/WiredTiger'))) !== undefined
  return {
    database,
    storageEngine: storageEngineVersion(turtle ?? ''),
    lastRan: controllerVersion((await text(inData(dataFiles.lastRan))) ?? ''),
    image: controllerVersion((await text(imageVersionFile)) ?? ''),
    mark: parseMark((await text(inData(markFile))) ?? ''),
  }
}

/** Whether mongod has closed its database: `none` where none was ever opened in there. @throws as above */
export async function readDatabaseLock(
  engine: Engine,
  id: string,
  signal: AbortSignal,
): Promise<'open' | 'closed' | 'none'> {
  const lock = await engine.file(id, posix.join(dataDirectory, dataFiles.lock), { maxBytes: 0, signal })
  if (lock === undefined) return 'none'
  return lock.size === 0 ? 'closed' : 'open'
}

/** Whom the data belong to in the container: the image's own user, unless the configuration names another. */
export function dataOwner(environment: Readonly<Record<string, string>>): { uid: number; gid: number } {
  const { PUID, PGID } = environment
  return { uid: Number(PUID ?? imageUser), gid: Number(PGID ?? imageUser) }
}

/** Puts our file into the data, and gives it to whom the entrypoint gives them. @throws as above */
export async function writeMark(
  engine: Engine,
  id: string,
  { mark, environment, signal }: { mark: string; environment: Readonly<Record<string, string>>; signal: AbortSignal },
): Promise<void> {
  const file = { directory: dataDirectory, name: markFile, content: `${mark}\n`, ...dataOwner(environment) }
  await engine.putFile(id, file, signal)
}
