import { type LoadedConfig, loadConfig } from '../../config/load.ts'
import { ApplianceError, ApplianceErrors } from '../../core/errors.ts'
import { RecordFile } from '../../host/controller/record.ts'
import { nft } from '../../host/datapath/nft.ts'
import { ownPlaces } from '../../host/disks/storage-places.ts'
import type { Paths } from '../../ipc/paths.ts'
import { type Check, type Finding, failed, ok, runChecks, warn } from '../finding.ts'
import { dataCheck } from './data-check.ts'
import { engineChecks, lookAtEngine } from './engine-checks.ts'
import { isolationCheck } from './isolation.ts'
import { machineChecks } from './machine-checks.ts'
import { narrowWaysCheck } from './narrow-ways.ts'

/** Looks over this machine. A configuration that is wrong is a finding, and the rest is looked at with the defaults. */
export async function examine(options: {
  /** Where the configuration is, whether it is there or not. */
  configPath: string
  load: () => Promise<LoadedConfig>
  paths: Paths
  signal: AbortSignal
}): Promise<readonly Finding[]> {
  const { paths, signal } = options
  const { loaded, check } = await examineConfig(options.configPath, options.load)
  const { config } = loaded
  const look = await lookAtEngine(config, signal)
  const places = [...look.places, ...ownPlaces(paths)]
  const machine = machineChecks({ config, now: Date.now, places, edgeStateSocket: paths.edgeStateSocket })
  const data = look.places.find((place) => place.data)?.path
  const recordFile = new RecordFile(paths.hostRecordFile)
  const isolation = isolationCheck(look.controller, nft)
  const ofData = dataCheck({ config, data, recordFile })
  const ofNetwork = [isolation, narrowWaysCheck(config)]
  return await runChecks([check, ...(await engineChecks(config, look)), ofData, ...ofNetwork, ...machine], signal)
}

async function examineConfig(
  path: string,
  load: () => Promise<LoadedConfig>,
): Promise<{ loaded: LoadedConfig; check: Check }> {
  const name = 'configuration'
  try {
    const loaded = await load()
    const warnings = loaded.warnings.map(({ message, remedy }) => warn(message, remedy))
    const results = warnings.length > 0 ? warnings : [ok(`${path} is fine, or absent, which is fine too`)]
    return { loaded, check: { name, run: () => results } }
  } catch (error) {
    if (!(error instanceof ApplianceErrors) && !(error instanceof ApplianceError)) throw error
    const faults = error instanceof ApplianceErrors ? error.faults : [error.fault]
    return { loaded: loadConfig({ path, env: {} }), check: { name, run: () => faults.map(failed) } }
  }
}
