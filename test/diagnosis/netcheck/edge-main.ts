import { configSchema } from '../../../src/config/schema.ts'
import { systemClock } from '../../../src/core/clock.ts'
import { createLogger } from '../../../src/core/logger.ts'
import { runEdge } from '../../../src/edge/edge.ts'
import { pathsBelow } from '../../../src/ipc/paths.ts'

// The edge alone in the network namespace it runs in. Arguments: the configuration as JSON, a directory for its sockets
// and its state. Ends on SIGTERM.

const [, , config = '{}', directory = '.'] = process.argv
const stopping = new AbortController()
process.once('SIGTERM', () => stopping.abort())
await runEdge({
  config: configSchema.parse(JSON.parse(config)),
  paths: pathsBelow(directory, directory),
  logger: createLogger({ level: 'info', format: 'human', write: (line) => void process.stdout.write(line) }),
  clock: systemClock,
  signal: stopping.signal,
  started: () => console.log('the edge serves now'),
})
