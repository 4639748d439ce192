import { readFileSync } from 'node:fs'
import type { Config } from '../../config/schema.ts'
import { systemCode } from '../../core/errors.ts'
import { type Check, type CheckResult, ok, unknown, warn } from '../finding.ts'

/** Of the network namespace of whoever reads it. Linux: Documentation/networking/ip-sysctl.rst. */
const settingFile = '/proc/sys/net/ipv4/tcp_mtu_probing'

/**
 * Whether Linux finds out by itself what a way carries that is narrower than this machine's route and whose routers send
 * no ICMP about it.
 * @param readSetting gives the text of the kernel's setting
 */
export function narrowWaysCheck(config: Config, readSetting = () => readFileSync(settingFile, 'utf8')): Check {
  return { name: 'narrow ways', run: () => [look(config.network.mss, readSetting)] }
}

function look(mss: number | undefined, readSetting: () => string): CheckResult {
  let setting: string
  try {
    setting = readSetting().trim()
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error
    return unknown('could not check: this kernel does not tell net.ipv4.tcp_mtu_probing')
  }
  const bound = mss === undefined ? '' : `; network.mss keeps segments to and from devices to ${mss} bytes`
  if (setting !== '0') return ok(`Linux finds out what a narrow way carries of what this machine sends${bound}`)
  return warn(
    'net.ipv4.tcp_mtu_probing is 0: over a tunnel or another way narrower than its own network, full-size segments of ' +
      `this machine can vanish without a word, and adoption fails though devices are found${bound}`,
    'sysctl -w net.ipv4.tcp_mtu_probing=1, and in a file in /etc/sysctl.d for good',
  )
}
