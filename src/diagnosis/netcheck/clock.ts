import { type Check, type CheckResult, failed, ok, unknown } from '../finding.ts'
import { type ProgramOutput, programOutput } from '../program-output.ts'

/** What the programs that know of the clock's synchronisation said. */
export interface ClockOutputs {
  /** `timedatectl show -p NTPSynchronized --value` */
  readonly timedatectl: ProgramOutput
  /** `adjtimex --print` */
  readonly adjtimex: ProgramOutput
}

/** Rejects only with the signal's reason. */
export async function readClock(signal: AbortSignal): Promise<ClockOutputs> {
  const [timedatectl, adjtimex] = await Promise.all([
    programOutput(['timedatectl', 'show', '-p', 'NTPSynchronized', '--value'], signal),
    programOutput(['adjtimex', '--print'], signal),
  ])
  return { timedatectl, adjtimex }
}

/** Whether something keeps this machine's clock right: the controller drops announces that are 20 s off. */
export function clockCheck(outputs: ClockOutputs): Check {
  return { name: 'clock', run: () => [clockResult(outputs)] }
}

function clockResult(outputs: ClockOutputs): CheckResult {
  const synchronised = systemdSays(outputs.timedatectl) ?? kernelSays(outputs.adjtimex)
  if (synchronised === true) return ok('the clock is synchronised')
  if (synchronised === false) {
    return failed({
      code: 'CLOCK_UNSYNCHRONISED',
      message: 'the clock is not synchronised: once it is 20 s off, the controller ignores what devices announce',
      remedy: 'timedatectl set-ntp true (systemd-timesyncd), or install chrony; and let UDP 123 out to the time server',
    })
  }
  const whys = [outputs.timedatectl, outputs.adjtimex].flatMap((output) =>
    output.kind === 'failed' ? [output.why] : [],
  )
  const why = whys[0] ?? 'neither timedatectl nor adjtimex is installed'
  return unknown(
    `could not measure whether the clock is synchronised: ${why}`,
    'compare it with the right time: date -u',
  )
}

function systemdSays(output: ProgramOutput): boolean | undefined {
  const said = output.kind === 'said' ? output.text.trim() : ''
  return said === 'yes' ? true : said === 'no' ? false : undefined
}

/** STA_UNSYNC of adjtimex(2): the kernel was not told by any program that the clock is right. */
const unsynchronised = 0x40

function kernelSays(output: ProgramOutput): boolean | undefined {
  const status = output.kind === 'said' ? /^\s*status:\s*(\d+)/m.exec(output.text)?.[1] : undefined
  return status === undefined ? undefined : (Number(status) & unsynchronised) === 0
}
