import { type LoadedConfig, loadConfig } from '../../config/load.ts'
import { ApplianceError, ApplianceErrors } from '../../core/errors.ts'
import { ownPlaces } from '../../host/disks/storage-places.ts'
import type { Paths } from '../../ipc/paths.ts'
import { type Finding, faultFinding, runCheck } from '../finding.ts'
import { diskCheck } from './disk-check.ts'
import { engineFindings } from './engine-checks.ts'
import { machineChecks } from './machine-checks.ts'
import { portChecks } from './port-checks.ts'

/** Looks over this machine. A configuration that is wrong is a finding, and the rest is looked at with the defaults. */
export async function examine(options: {
  /** Where the configuration is, whether it is there or not. */
  configPath: string
  load: () => Promise<LoadedConfig>
  paths: Paths
  signal: AbortSignal
}): Promise<readonly Finding[]> {
  const { paths, signal } = options
  const { loaded, findings } = await examineConfig(options.configPath, options.load)
  const { config } = loaded
  const engine = await engineFindings(config, signal)
  const found = [...findings, ...engine.findings]
  const checks = [
    diskCheck([...engine.places, ...ownPlaces(paths)]),
    ...machineChecks(config, Date.now),
    ...portChecks(config, paths.edgeStateSocket),
  ]
  for (const check of checks) found.push(...(await runCheck(check, signal)))
  return found
}

async function examineConfig(path: string, load: () => Promise<LoadedConfig>) {
  const check = 'configuration'
  try {
    const loaded = await load()
    const warnings = loaded.warnings.map((warning): Finding => ({ check, status: 'warn', ...warning }))
    const fine: Finding = { check, status: 'ok', message: `${path} is fine, or absent, which is fine too` }
    return { loaded, findings: warnings.length === 0 ? [fine] : warnings }
  } catch (error) {
    if (!(error instanceof ApplianceErrors) && !(error instanceof ApplianceError)) throw error
    const faults = error instanceof ApplianceErrors ? error.faults : [error.fault]
    return { loaded: loadConfig({ path, env: {} }), findings: faults.map((fault) => faultFinding(check, fault)) }
  }
}
