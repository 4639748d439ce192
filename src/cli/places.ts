import { resolve } from 'node:path'
import type { KeptDefaults } from '../config/kept-defaults.ts'
import type { LoadedConfig } from '../config/load.ts'
import { defaultConfigFile, optionVariables } from '../config/names.ts'
import { defaultRuntimeDirectory, defaultStateDirectory, type Paths, pathsBelow } from '../ipc/paths.ts'
import type { PlaceOptions } from './command.ts'
import type { CliContext } from './context.ts'

/** The file that the options or the environment name. Only the default one may be absent. */
export function configFileOf(context: CliContext, options: PlaceOptions): { path: string; required: boolean } {
  const named = options.config ?? context.env[optionVariables.config]
  return { path: named ?? defaultConfigFile, required: named !== undefined }
}

/**
 * The configuration of that file and of the environment.
 * @param defaults what stands for what they leave open, when that is known already; what was kept, as far as this user may
 *   see it, unless given
 * @throws ApplianceError or ApplianceErrors, CONFIG_…
 */
export async function loadConfigOf(
  context: CliContext,
  options: PlaceOptions,
  defaults?: KeptDefaults,
): Promise<LoadedConfig> {
  const [{ readConfigFile }, { loadConfig }, { readKeptDefaults }] = await Promise.all([
    import('../config/file.ts'),
    import('../config/load.ts'),
    import('../host/controller/kept-defaults.ts'),
  ])
  const { path, required } = configFileOf(context, options)
  const [text, kept] = await Promise.all([
    readConfigFile(path, { required }),
    defaults ?? readKeptDefaults(pathsOf(context, options).hostRecordFile),
  ])
  return loadConfig({ path, env: context.env, text, defaults: kept })
}

/** The option that the long-running commands have in common. */
export const stateDirectoryOption = [
  '--state-dir <dir>',
  `directory of what is kept over restarts, or ${optionVariables.stateDirectory} (default: ${defaultStateDirectory})`,
] as const

/** Where the sockets and the state are. */
export function pathsOf(context: CliContext, options: PlaceOptions): Paths {
  return pathsBelow(...directoriesOf(context, options))
}

/** The options that put a command of ours which this one starts into the same places. */
export function placeOptions(context: CliContext, options: PlaceOptions): readonly string[] {
  const [runtimeDirectory, stateDirectory] = directoriesOf(context, options)
  return ['--runtime-dir', runtimeDirectory, '--state-dir', stateDirectory]
}

function directoriesOf(context: CliContext, options: PlaceOptions): [runtime: string, state: string] {
  return [
    resolve(options.runtimeDir ?? context.env[optionVariables.runtimeDirectory] ?? defaultRuntimeDirectory),
    resolve(options.stateDir ?? context.env[optionVariables.stateDirectory] ?? defaultStateDirectory),
  ]
}
