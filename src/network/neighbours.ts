import type { Clock } from '../core/clock.ts'
import type { Loop } from '../core/component.ts'
import { messageOf } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import { periodic } from '../core/periodic.ts'
import type { WarningSource } from '../core/warnings.ts'

/** How often the kernel's count is read, and for how long what was lost is worth a warning, in milliseconds. */
const lookMilliseconds = 5000
const tellMilliseconds = 600_000

/**
 * Watches whether the kernel has had no place for a neighbour. It remembers 1024 machines by default, on all networks
 * together (net.ipv4.neigh.default.gc_thresh3, arp(7)), and what is for one more is lost without an error to anybody.
 * @param options `read` gives the text of /proc/net/stat/arp_cache
 * @returns `look` compares with the look before; the first one only learns where the count stands
 */
export function neighbourWatch(options: {
  logger: Logger
  clock: Clock
  warnings: WarningSource
  read: () => string
}): Loop & { look(): void } {
  let count: number | undefined
  const look = () => {
    const before = count
    try {
      count = tableFulls(options.read())
    } catch (error) {
      options.logger.debug(`the kernel's count of neighbours cannot be read: ${messageOf(error)}`)
    }
    if (before === undefined || count === before) return
    options.warnings.happened(
      {
        code: 'NEIGHBOURS_FULL',
        message:
          'there are more machines around than this kernel remembers: what is for some of them, or for the controller, is lost',
        remedy:
          'allow more: sysctl net.ipv4.neigh.default.gc_thresh3=8192 (1024 unless you changed it), and in a file in /etc/sysctl.d for good',
      },
      tellMilliseconds,
    )
  }
  return { ...periodic({ ...options, name: 'neighbours', intervalMilliseconds: lookMilliseconds, work: look }), look }
}

/** The column of that name, over all processors; numbers are hexadecimal. Undefined where the kernel does not count it. */
function tableFulls(text: string): number | undefined {
  const [names = [], ...rows] = text
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
  const column = names.indexOf('table_fulls')
  if (column < 0) return undefined
  return rows.reduce((sum, row) => sum + Number.parseInt(row[column] ?? '0', 16), 0)
}
