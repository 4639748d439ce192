import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { ApplianceError } from '../../core/errors.ts'
import type { LockHolder } from '../../linux/file-locks.ts'
import { dataFiles, judgeVersions } from '../../omada/data-directory.ts'
import { dataDirectory } from '../../omada/image-contract.ts'
import { mountSource } from '../engine/engine.ts'
import { readDataFacts, writeMark } from './data-facts.ts'
import { inUse, judgePlace } from './data-place.ts'
import { emptyRecord } from './record.ts'
import type { StepContext } from './step-context.ts'

/**
 * Looks at what is in the place of the data before a controller writes to it.
 * @throws ApplianceError DATA_CHANGED, DATA_ELSEWHERE, DATA_IN_USE, CONTROLLER_OLD_DATABASE or CONTROLLER_DOWNGRADE;
 *   what the engine's calls throw
 */
export async function checkData(
  step: { readonly container: string },
  context: StepContext,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { engine, config, state } = context
  const { image: reference, dataVolume: place } = config.controller
  const externalDatabase = config.mongo.uri !== undefined
  const facts = await readDataFacts(engine, step.container, signal)
  // Where the database is elsewhere an empty place loses no sites.
  const misplaced = externalDatabase ? undefined : judgePlace(state().record ?? emptyRecord, { ...facts, place })
  const fault = misplaced ?? judgeVersions(facts, { reference, place, externalDatabase })
  if (fault !== undefined) throw new ApplianceError(fault)
  const holder = await databaseHolder(context, signal)
  if (holder !== undefined) throw new ApplianceError(inUse(place, holder))
  return facts.database && facts.lastRan === undefined
    ? `the data in ${place} do not tell which controller used them last`
    : undefined
}

/** Who has the database open, as our container does not run. */
async function databaseHolder(
  { engine, config, machine }: StepContext,
  signal: AbortSignal,
): Promise<LockHolder | undefined> {
  const container = await engine.container(config.controller.name, signal)
  const data = mountSource(container?.mounts, dataDirectory, config.controller.dataVolume)
  if (data === undefined) return undefined
  return await machine.findLockHolder([dataFiles.lock, dataFiles.storageEngineLock].map((name) => join(data, name)))
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
  const { engine, config, state } = context
  const { dataVolume: place } = config.controller
  const { omadacId } = step
  const { mark: found } = await readDataFacts(engine, step.id, signal)
  const mark = found ?? randomBytes(16).toString('hex')
  if (found === undefined) await writeMark(engine, step.id, mark, signal)
  const before = state().record?.controller
  await context.remember((record) => ({ ...record, controller: { omadacId, place, mark }, confirmedPlace: undefined }))
  const other = before !== undefined && before.omadacId !== omadacId ? `; before it was ${before.omadacId}` : ''
  return `noted that the controller ${omadacId} is in ${place}${other}`
}
