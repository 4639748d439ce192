import type { Clock } from '../core/clock.ts'
import { KeptChild } from '../core/kept-child.ts'
import type { Logger } from '../core/logger.ts'
import { childEnvironment } from '../core/run-program.ts'

/** What the edge may inherit. */
const inherited = ['LANG', 'TZ', 'TMPDIR', 'JOURNAL_STREAM', 'NODE_OPTIONS']

/**
 * The edge as a child process, for a machine without systemd: nothing is lost with one that hangs, as it holds no data.
 * Should this process be killed, the closed IPC channel ends it.
 */
export function edgeProcess(options: { logger: Logger; clock: Clock; command: readonly string[] }): KeptChild {
  const { logger, clock, command } = options
  return new KeptChild({
    name: 'edge-process',
    clock,
    command,
    environment: childEnvironment(inherited),
    output: 'inherit',
    ipc: true,
    backoff: { initialMilliseconds: 250, maxMilliseconds: 30_000 },
    events: {
      ended: (end, retryMilliseconds) => {
        if (retryMilliseconds === undefined) return
        logger.error({ end, retryMilliseconds }, 'the edge process died; it is started again')
      },
    },
  })
}
