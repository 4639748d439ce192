import { existsSync } from 'node:fs'
import type { CliCommand, PlaceOptions } from './command.ts'
import { configFileOf, loadConfigOf } from './places.ts'
import { formatJson, reportWarnings } from './report.ts'

/** `omada-host config check|show|schema` */
export function addConfigCommand(program: CliCommand): void {
  const config = program
    .command('config')
    .description('check and show the configuration; needs no privileges')
    .example('omada-host config check', 'tell everything that is wrong with it')
    .example('omada-host --config new.yaml config check', 'the same for a file that is not in place yet')
    .example('OMADA_HOST_LOG_LEVEL=debug omada-host config show', 'effective values and where each comes from')
    .example('omada-host config schema > omada-host.schema.json', 'JSON Schema for an editor')
  config
    .command('check')
    .description('tell everything that is wrong with the configuration')
    .example('omada-host --config new.yaml config check', 'check a file before it is in place')
    .work(async (context, options) => {
      const loaded = await loadConfigOf(context, options)
      reportWarnings(loaded.warnings, context.stderr)
      const { path } = configFileOf(context, options)
      const fine = existsSync(path)
        ? `${path} is fine`
        : `there is no ${path}: every key has its default, which is fine`
      context.stdout.write(`${fine}\n`)
      return 0
    })
  config
    .command('show')
    .description('print the effective values and where each comes from, secrets redacted')
    .option('--json', 'print JSON: path, value and source of every key')
    .example('omada-host config show --json', 'for a program')
    .work(async (context, options: PlaceOptions & { json?: boolean }) => {
      const { formatConfig, shownKeys } = await import('../config/show.ts')
      const loaded = await loadConfigOf(context, options)
      reportWarnings(loaded.warnings, context.stderr)
      context.stdout.write(options.json === true ? formatJson(shownKeys(loaded)) : formatConfig(loaded))
      return 0
    })
  config
    .command('schema')
    .description('print the JSON Schema of the configuration')
    .example('omada-host config schema > omada-host.schema.json', 'for an editor')
    .work(async (context) => {
      const { configJsonSchema } = await import('../config/json-schema.ts')
      context.stdout.write(formatJson(configJsonSchema()))
      return 0
    })
}
