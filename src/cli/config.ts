import { existsSync } from 'node:fs'
import { type Commands, examples, type GlobalOptions } from './command.ts'
import { configFileOf, loadConfigOf } from './places.ts'
import { formatJson, reportWarnings } from './report.ts'

/** `omada-host config check|show|schema` */
export function addConfigCommand(commands: Commands): void {
  const config = commands.program
    .command('config')
    .description('check and show the configuration; needs no privileges')
    .addHelpText(
      'after',
      examples(
        ['omada-host config check', 'tell everything that is wrong with it'],
        ['omada-host --config new.yaml config check', 'the same for a file that is not in place yet'],
        ['OMADA_HOST_LOG_LEVEL=debug omada-host config show', 'effective values and where each comes from'],
        ['omada-host config schema > omada-host.schema.json', 'JSON Schema for an editor'],
      ),
    )
  const nested = { ...commands, program: config }
  addCheck(nested)
  addShow(nested)
  addSchema(nested)
}

function addCheck({ program, context, action }: Commands): void {
  program
    .command('check')
    .description('tell everything that is wrong with the configuration')
    .addHelpText('after', examples(['omada-host --config new.yaml config check', 'check a file before it is in place']))
    .action(
      action(async (options: GlobalOptions) => {
        const loaded = await loadConfigOf(context, options)
        reportWarnings(loaded.warnings, context.stderr)
        const { path } = configFileOf(context, options)
        const fine = existsSync(path)
          ? `${path} is fine`
          : `there is no ${path}: every key has its default, which is fine`
        context.stdout.write(`${fine}\n`)
        return 0
      }),
    )
}

function addShow({ program, context, action }: Commands): void {
  program
    .command('show')
    .description('print the effective values and where each comes from, secrets redacted')
    .option('--json', 'print JSON: path, value and source of every key')
    .addHelpText('after', examples(['omada-host config show --json', 'for a program']))
    .action(
      action(async (options: GlobalOptions & { json?: boolean }) => {
        const { formatConfig, shownKeys } = await import('../config/show.ts')
        const loaded = await loadConfigOf(context, options)
        reportWarnings(loaded.warnings, context.stderr)
        context.stdout.write(options.json === true ? formatJson(shownKeys(loaded)) : formatConfig(loaded))
        return 0
      }),
    )
}

function addSchema({ program, context, action }: Commands): void {
  program
    .command('schema')
    .description('print the JSON Schema of the configuration')
    .addHelpText('after', examples(['omada-host config schema > omada-host.schema.json', 'for an editor']))
    .action(
      action(async () => {
        const { configJsonSchema } = await import('../config/json-schema.ts')
        context.stdout.write(formatJson(configJsonSchema()))
        return 0
      }),
    )
}
