import { once } from 'node:events'
import { ApplianceError } from '../core/errors.ts'
import { plainText } from '../core/text.ts'
import type { CliCommand, PlaceOptions } from './command.ts'
import { pathsOf } from './places.ts'

const defaultTail = 200
const maxTail = 100_000
/** Longest line that is printed, in characters: longer than any that the host sends. */
const maxLine = 10_000

/** `omada-host logs` */
export function addLogsCommand(program: CliCommand): void {
  program
    .command('logs')
    .description("print the controller's log")
    .option('-f, --follow', 'go on as the log grows, until Ctrl-C')
    .option('--tail <lines>', 'how many of the last lines', String(defaultTail))
    .example('sudo omada-host logs -f', 'follow the log')
    .example('sudo omada-host logs --tail 5000 > controller.log', 'keep a part of it')
    .work(async (context, options: PlaceOptions & { follow?: boolean; tail: string }) => {
      const { readLogs } = await import('../ipc/control-client.ts')
      const lines = readLogs(pathsOf(context, options).hostControlSocket, {
        follow: options.follow === true,
        tail: tailOf(options.tail),
        signal: context.signal,
      })
      for await (const line of lines) {
        // A reader that is slower than the log holds it up, instead of filling our memory.
        if (!context.stdout.write(`${plainText(line, maxLine)}\n`))
          await once(context.stdout, 'drain', { signal: context.signal })
      }
      return 0
    })
}

function tailOf(text: string): number {
  const lines = /^\d{1,6}$/.test(text) ? Number(text) : Number.NaN
  if (lines <= maxTail) return lines
  throw new ApplianceError({
    code: 'USAGE',
    message: `--tail is ${JSON.stringify(text)}; accepted: a whole number from 0 to ${maxTail}`,
    remedy: `omada-host logs --tail ${defaultTail}`,
  })
}
