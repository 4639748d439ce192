import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { ApplianceError } from '../../core/errors.ts'
import type { LockHolder } from '../../linux/file-locks.ts'
import type { Mount } from '../../linux/mounts.ts'
import { dataFiles, judgeVersions, markFile } from '../../omada/data-directory.ts'
import { dataDirectory } from '../../omada/image-contract.ts'
import { mountSource } from '../engine/engine.ts'
import { readDataFacts, writeMark } from './data-facts.ts'
import { inUse, judgeFileSystem, judgePlace, unfitFileSystem } from './data-place.ts'
import { emptyRecord } from './record.ts'
import type { StepContext } from './step-context.ts'

/**
 * Looks at what is in the place of the data before a controller writes to it.
 * @throws ApplianceError DATA_CHANGED, DATA_ELSEWHERE, DATA_IN_USE, DATA_FILE_SYSTEM, CONTROLLER_OLD_DATABASE,
 *   CONTROLLER_UPGRADE or CONTROLLER_DOWNGRADE; what the engine's calls throw
 */
export async function checkData(
  step: { readonly container: string },
  context: StepContext,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { engine, config, chosen, state } = context
  const { image: reference, dataVolume: place } = config.controller
  const imageChosen = 'controller.image' in chosen
  const externalDatabase = config.mongo.uri !== undefined
  const facts = await readDataFacts(engine, step.container, signal)
  // Where the database is elsewhere an empty place loses no sites.
  const misplaced = externalDatabase ? undefined : judgePlace(state().record ?? emptyRecord, { ...facts, place })
  const fault = misplaced ?? judgeVersions(facts, { reference, imageChosen, place, externalDatabase })
  if (fault !== undefined) throw new ApplianceError(fault)
  const directory = await directoryOf(context, signal)
  const holder = directory === undefined ? undefined : await databaseHolder(context, directory)
  if (holder !== undefined) throw new ApplianceError(inUse(place, holder))
  if (!externalDatabase) await tryFileSystem(step.container, directory, facts.mark, context, signal)
  return facts.database && facts.lastRan === undefined
    ? `the data in ${place} do not tell which controller used them last`
    : undefined
}

/** Where the data are on this machine, as far as it is known. */
async function directoryOf({ engine, config }: StepContext, signal: AbortSignal): Promise<string | undefined> {
  const container = await engine.container(config.controller.name, signal)
  return mountSource(container?.mounts, dataDirectory, config.controller.dataVolume)
}

/** Who has the database open, as our container does not run. */
async function databaseHolder({ machine }: StepContext, directory: string): Promise<LockHolder | undefined> {
  return await machine.findLockHolder(
    [dataFiles.lock, dataFiles.storageEngineLock].map((name) => join(directory, name)),
  )
}

/**
 * Looks at the kind of file system and whether it has locks, and before the first start on a place, and on another file
 * system than before, does there what the entrypoint will do: writes a file, ours, and gives it to the controller's user.
 * @throws ApplianceError DATA_FILE_SYSTEM; what else the engine's call throws
 */
async function tryFileSystem(
  container: string,
  directory: string | undefined,
  mark: string | undefined,
  { engine, config, machine, state, remember: note }: StepContext,
  signal: AbortSignal,
): Promise<void> {
  const { dataVolume: place, environment } = config.controller
  const mount = directory === undefined ? undefined : await machine.mountOf(directory)
  const fault = judgeFileSystem(place, mount)
  if (fault !== undefined) throw new ApplianceError(fault)
  const fileSystem = fileSystemOf(mount)
  const before = state().record?.controller?.fileSystem
  const isKnown = mark !== undefined && (before === undefined || before === fileSystem)
  // A container without root gives nothing to anybody.
  if (!isKnown && environment.ROOTLESS !== 'true') {
    try {
      await writeMark(engine, container, { mark: mark ?? newMark(), environment, signal })
    } catch (error) {
      if (!(error instanceof ApplianceError) || error.code !== 'ENGINE_REQUEST') throw error
      throw new ApplianceError(unfitFileSystem(place, mount, error.message), { cause: error })
    }
  }
  // Our own file is one that everybody may read, and that nobody else locks.
  const noLocks = directory === undefined ? undefined : await machine.whyNoLocks(join(directory, markFile), signal)
  if (noLocks !== undefined) {
    throw new ApplianceError(unfitFileSystem(place, mount, `a database's files cannot be locked there (${noLocks})`))
  }
  if (fileSystem === before) return
  await note(({ controller, ...rest }) => ({ ...rest, controller: controller && { ...controller, fileSystem } }))
}

/** By which a file system is told from another: numbers of devices change from start to start. */
function fileSystemOf(mount: Mount | undefined): string | undefined {
  return mount === undefined ? undefined : `${mount.type} ${mount.source}`
}

function newMark(): string {
  return randomBytes(16).toString('hex')
}

/**
 * Notes which controller is in which place, in our record and by a file in the place.
 * @throws what the engine's calls throw
 */
export async function remember(
  step: { readonly id: string; readonly omadacId: string },
  context: StepContext,
  signal: AbortSignal,
): Promise<string> {
  const { engine, config, machine, state } = context
  const { dataVolume: place, environment } = config.controller
  const { omadacId } = step
  const directory = await directoryOf(context, signal)
  const fileSystem = directory === undefined ? undefined : fileSystemOf(await machine.mountOf(directory))
  const { mark: found } = await readDataFacts(engine, step.id, signal)
  const mark = found ?? newMark()
  if (found === undefined) await writeMark(engine, step.id, { mark, environment, signal })
  const before = state().record?.controller
  await context.remember((record) => ({
    ...record,
    controller: { omadacId, place, mark, fileSystem },
    confirmedPlace: undefined,
  }))
  const other = before !== undefined && before.omadacId !== omadacId ? `; before it was ${before.omadacId}` : ''
  return `noted that the controller ${omadacId} is in ${place}${other}`
}
