import type { EdgeConfig } from '../config/schema.ts'
import type { Fault } from '../core/errors.ts'

/** What the edge holds open beside connections and sessions: listeners, its own sockets, Node itself. */
const reserve = 256

/** How many open files the configured bounds can need: two a connection (client and controller), one a session. */
export function openFilesNeeded(config: EdgeConfig): number {
  return 2 * config.proxy.maxConnections + config.discovery.maxSessions + reserve
}

/**
 * A warning when this process may open fewer files than the configured bounds can need; beyond it connections are
 * refused although the bounds would allow them. `readLimits` gives the text of /proc/self/limits (proc(5)). Node raises
 * its soft limit to the hard one by itself.
 */
export function openFilesWarning(config: EdgeConfig, readLimits: () => string): Fault[] {
  const hard = Number(/^Max open files\s+\S+\s+(\d+)/m.exec(readLimits())?.[1] ?? Number.POSITIVE_INFINITY)
  const needed = openFilesNeeded(config)
  if (hard >= needed) return []
  return [
    {
      code: 'OPEN_FILES_LOW',
      message: `this process may open ${hard} files, but the configured bounds can need ${needed}`,
      remedy: `raise the limit (ulimit -Hn ${needed}, or LimitNOFILE=${needed} in the unit) or lower proxy.maxConnections and discovery.maxSessions`,
    },
  ]
}
