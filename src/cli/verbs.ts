import { plainLines } from '../core/text.ts'
import type { ControlVerb } from '../ipc/control-client.ts'
import type { CliCommand } from './command.ts'
import { pathsOf } from './places.ts'

/** How long a verb may take: a pull over a slow line, a stop with the longest grace. */
const verbDeadlineMilliseconds = 6 * 60 * 60 * 1000

const verbs: readonly { name: ControlVerb; description: string; effect: string }[] = [
  {
    name: 'pull',
    description: "pull the controller's image; nothing is restarted",
    effect: 'then omada-host restart runs what was pulled',
  },
  {
    name: 'restart',
    description: 'stop the controller with its grace period and start it again',
    effect: 'devices reconnect by themselves',
  },
  {
    name: 'stop',
    description: 'stop the controller with its grace period; the appliance keeps running',
    effect: 'returns when the database is closed',
  },
  {
    name: 'start',
    description: 'start the controller again after a stop',
    effect: 'omada-host status tells how far it is',
  },
  {
    name: 'reload',
    description: 'read the configuration again, take over what needs no restart, and tell what does',
    effect: 'a wrong configuration changes nothing, and every fault is told',
  },
]

/** `omada-host acknowledge CODE`: a problem that stays until the user has seen it. */
export function addAcknowledgeCommand(program: CliCommand): void {
  program
    .command('acknowledge')
    .argument('<code>', 'the code of the problem, as omada-host status tells it')
    .argument('[value]', 'for DEVICE_ADDRESS: the address that was set in the controller')
    .description('say that a problem was seen that stays until then, or that the data are the ones that are meant')
    .example('sudo omada-host acknowledge CONTROLLER_KILLED', 'the controller was looked over after it was killed')
    .example('sudo omada-host acknowledge DATA_CHANGED', 'begin with what is in controller.dataVolume now')
    .example('sudo omada-host acknowledge DEVICE_ADDRESS 192.168.1.5', 'the controller tells its devices this address')
    .work(async (context, options, [code = '', value]) => {
      const [{ errorCodes }, { ApplianceError }] = await Promise.all([
        import('../core/error-codes.ts'),
        import('../core/errors.ts'),
      ])
      if (!isCode(code, errorCodes)) {
        throw new ApplianceError({
          code: 'USAGE',
          message: `${code} is no code of a problem`,
          remedy: 'see the codes of what is wrong: omada-host status',
        })
      }
      const { sendAcknowledge } = await import('../ipc/control-client.ts')
      const { withDeadline } = await import('../core/deadline.ts')
      const signal = withDeadline(verbDeadlineMilliseconds, context.signal)
      const message = await sendAcknowledge(pathsOf(context, options).hostControlSocket, code, signal, value)
      context.stdout.write(`${plainLines(message)}\n`)
      return 0
    })
}

function isCode<Codes extends object>(code: string, codes: Codes): code is keyof Codes & string {
  return Object.hasOwn(codes, code)
}

/** `omada-host pull|restart|stop|start|reload`: the user's verbs, carried out by the host. */
export function addVerbCommands(program: CliCommand): void {
  for (const { name, description, effect } of verbs) {
    program
      .command(name)
      .description(description)
      .example(`sudo omada-host ${name}`, effect)
      .work(async (context, options) => {
        const { sendControl } = await import('../ipc/control-client.ts')
        const { withDeadline } = await import('../core/deadline.ts')
        const signal = withDeadline(verbDeadlineMilliseconds, context.signal)
        const message = await sendControl(pathsOf(context, options).hostControlSocket, name, signal)
        context.stdout.write(`${plainLines(message)}\n`)
        return 0
      })
  }
}
