import { stat } from 'node:fs/promises'
import { type Commands, examples, type GlobalOptions } from './command.ts'
import { configFileOf } from './places.ts'

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
        const { loadConfigOf, printWarnings } = await import('./load.ts')
        const loaded = await loadConfigOf(context, options)
        printWarnings(context, loaded)
        const { path } = configFileOf(context, options)
        const absent = await stat(path).then(
          () => false,
          () => true,
        )
        context.stdout.write(
          absent ? `there is no ${path}: every key has its default, which is fine\n` : `${path} is fine\n`,
        )
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
        const { loadConfigOf, printWarnings } = await import('./load.ts')
        const loaded = await loadConfigOf(context, options)
        printWarnings(context, loaded)
        context.stdout.write(
          options.json === true ? `${JSON.stringify(shownKeys(loaded), undefined, 2)}\n` : formatConfig(loaded),
        )
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
        context.stdout.write(`${JSON.stringify(configJsonSchema(), undefined, 2)}\n`)
        return 0
      }),
    )
}
