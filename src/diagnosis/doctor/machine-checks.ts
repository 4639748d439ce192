import { readFileSync } from 'node:fs'
import { networkInterfaces } from 'node:os'
import type { Config } from '../../config/schema.ts'
import { systemCode } from '../../core/errors.ts'
import { openFilesNeeded, openFilesWarning } from '../../linux/open-files.ts'
import { unknownInterfaces } from '../../network/access.ts'
import type { Check, Finding } from '../finding.ts'

/** No clock that is right shows an earlier time than this program's making. */
const earliest = Date.parse('2026-01-01T00:00:00Z')

/** What can be told of the machine without the engine. `now` is milliseconds since 1970. */
export function machineChecks(config: Config, now: () => number): readonly Check[] {
  return [
    { name: 'privileges', run: () => [checkRoot()] },
    { name: 'clock', run: () => [checkClock(now())] },
    { name: 'interfaces', run: () => checkInterfaces(config) },
    { name: 'ipv6', run: () => [checkIpv6(config)] },
    { name: 'open files', run: () => checkOpenFiles(config) },
    { name: 'isolation', run: () => [checkForwarding(config)] },
  ]
}

function checkRoot(): Finding {
  const user = process.getuid?.()
  if (user === 0) return { check: 'privileges', status: 'ok', message: 'doctor runs as root and sees everything' }
  return {
    check: 'privileges',
    status: 'warn',
    message: `doctor runs as user ${user}: it cannot see every process, and omada-host run needs root`,
    remedy: 'sudo omada-host doctor',
  }
}

function checkClock(now: number): Finding {
  const check = 'clock'
  const time = new Date(now).toISOString()
  if (now < earliest) {
    return {
      check,
      status: 'fail',
      message: `the clock shows ${time}: the controller ignores devices whose clock differs by more than 20 s`,
      remedy: 'set the clock: timedatectl set-ntp true, or install chrony',
    }
  }
  return { check, status: 'ok', message: `${time}; compare it, the controller drops devices 20 s off` }
}

function checkInterfaces(config: Config): readonly Finding[] {
  const check = 'interfaces'
  const known = Object.keys(networkInterfaces())
  const listed = known.filter((name) => name !== 'lo').join(', ')
  const unknown = unknownInterfaces(config.access, known).map(
    ({ code, message, remedy }): Finding => ({ check, status: 'fail', message: `[${code}] ${message}`, remedy }),
  )
  if (unknown.length > 0) return unknown
  if (listed !== '') return [{ check, status: 'ok', message: `with an address: ${listed}` }]
  return [
    {
      check,
      status: 'fail',
      message: 'no network interface but the loopback has an address: no device can reach this machine',
      remedy: 'give the machine an address on the network of the devices',
    },
  ]
}

function checkIpv6(config: Config): Finding {
  const check = 'ipv6'
  if (config.proxy.listen === '0.0.0.0') return { check, status: 'ok', message: 'proxy.listen is IPv4 only' }
  try {
    readFileSync('/proc/net/if_inet6')
    return { check, status: 'ok', message: 'the ports are served over IPv4 and IPv6' }
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error
    return { check, status: 'ok', message: 'the kernel has no IPv6: the ports are served over IPv4 alone' }
  }
}

function checkOpenFiles(config: Config): readonly Finding[] {
  const check = 'open files'
  const warnings = openFilesWarning(config, () => readFileSync('/proc/self/limits', 'utf8'))
  if (warnings.length === 0) {
    return [
      { check, status: 'ok', message: `the limit allows the ${openFilesNeeded(config)} that the bounds can need` },
    ]
  }
  return warnings.map(({ message, remedy }) => ({ check, status: 'warn', message, remedy }))
}

/**
 * The container's ports are not published, which is not the same as closed: a bridge is routed to like any network, unless
 * the packet filter keeps forwarded packets from it. Docker's rules do where Docker was what turned forwarding on.
 */
function checkForwarding(config: Config): Finding {
  const { subnet, controllerAddress } = config.network
  const forwards = readFileSync('/proc/sys/net/ipv4/ip_forward', 'utf8').trim() === '1'
  return {
    check: 'isolation',
    status: 'warn',
    message:
      `whoever has a route to ${subnet} by way of this machine reaches the controller at ${controllerAddress} directly, ` +
      `past access.*, limits and counters, unless a firewall drops what is forwarded, as Docker's rules mostly do ` +
      `(forwarding is ${forwards ? 'on' : 'off until the engine turns it on'})`,
    remedy: `add no route to ${subnet} on your router; none is there unless somebody added it`,
  }
}
