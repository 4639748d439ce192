import { posix } from 'node:path'
import {
  controllerVersion,
  type DataVersions,
  databaseFiles,
  dataFiles,
  imageVersionFile,
  markFile,
  parseMark,
  storageEngineVersion,
} from '../../omada/data-directory.ts'
import { dataDirectory } from '../../omada/image-contract.ts'
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
  let database = turtle !== undefined
  for (const name of databaseFiles) {
    if (database) break
    database = (await engine.file(id, inData(`db/${name}`), { maxBytes: 0, signal })) !== undefined
  }
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

/** Puts our file into the data. @throws as above */
export async function writeMark(engine: Engine, id: string, mark: string, signal: AbortSignal): Promise<void> {
  await engine.putFile(id, { directory: dataDirectory, name: markFile, content: `${mark}\n` }, signal)
}
