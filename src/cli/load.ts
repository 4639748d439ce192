import { readConfigFile } from '../config/file.ts'
import { type LoadedConfig, loadConfig } from '../config/load.ts'
import { plainText } from '../core/text.ts'
import type { GlobalOptions } from './command.ts'
import type { CliContext } from './context.ts'
import { configFileOf } from './places.ts'

/** @throws ApplianceError or ApplianceErrors, CONFIG_… */
export async function loadConfigOf(context: CliContext, options: GlobalOptions): Promise<LoadedConfig> {
  const { path, required } = configFileOf(context, options)
  const text = await readConfigFile(path, { required })
  return loadConfig({ path, env: context.env, ...(text === undefined ? {} : { text }) })
}

/** Prints what the configuration was accepted with. */
export function printWarnings(context: CliContext, loaded: LoadedConfig): void {
  for (const { message, remedy } of loaded.warnings) {
    context.stderr.write(`warning ${plainText(message)}\n  fix: ${plainText(remedy)}\n`)
  }
}
