import type { GlobalOptions } from '../../cli/command.ts'
import type { CliContext } from '../../cli/context.ts'
import { loadConfigOf } from '../../cli/load.ts'
import { configFileOf, pathsOf } from '../../cli/places.ts'
import { loadConfig } from '../../config/load.ts'
import { ApplianceError, ApplianceErrors } from '../../core/errors.ts'
import { ownPlaces } from '../../host/disks/storage-places.ts'
import { type Finding, faultFinding, runCheck } from '../finding.ts'
import { diskCheck } from './disk-check.ts'
import { engineFindings } from './engine-checks.ts'
import { machineChecks } from './machine-checks.ts'
import { portChecks } from './port-checks.ts'

/** Looks over this machine. A configuration that is wrong is a finding, and the rest is looked at with the defaults. */
export async function examine(context: CliContext, options: GlobalOptions): Promise<readonly Finding[]> {
  const { loaded, findings } = await examineConfig(context, options)
  const { config } = loaded
  const paths = pathsOf(context, options)
  const engine = await engineFindings(config, context.signal)
  const found = [...findings, ...engine.findings]
  const checks = [
    diskCheck([...engine.places, ...ownPlaces(paths)]),
    ...machineChecks(config, Date.now),
    ...portChecks(config, paths.edgeStateSocket),
  ]
  for (const check of checks) found.push(...(await runCheck(check, context.signal)))
  return found
}

async function examineConfig(context: CliContext, options: GlobalOptions) {
  const check = 'configuration'
  const { path } = configFileOf(context, options)
  try {
    const loaded = await loadConfigOf(context, options)
    const warnings = loaded.warnings.map((warning): Finding => ({ check, status: 'warn', ...warning }))
    const fine: Finding = { check, status: 'ok', message: `${path} is fine, or absent, which is fine too` }
    return { loaded, findings: warnings.length === 0 ? [fine] : warnings }
  } catch (error) {
    if (!(error instanceof ApplianceErrors) && !(error instanceof ApplianceError)) throw error
    const faults = error instanceof ApplianceErrors ? error.faults : [error.fault]
    return { loaded: loadConfig({ path, env: {} }), findings: faults.map((fault) => faultFinding(check, fault)) }
  }
}
