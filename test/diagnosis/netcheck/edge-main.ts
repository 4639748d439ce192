import { systemClock } from '../../../src/core/clock.ts'
import { createLogger } from '../../../src/core/logger.ts'
import { runEdge } from '../../../src/edge/edge.ts'
import { pathsBelow } from '../../../src/ipc/paths.ts'
import { edgePart, FakeHost, version } from '../../support/channel.ts'

// The edge alone in the network namespace it runs in. Arguments: the configuration as JSON, a directory for its sockets
// and its state. Ends on SIGTERM.

const [, , config = '{}', directory = '.'] = process.argv
const stopping = new AbortController()
process.once('SIGTERM', () => stopping.abort())
const paths = pathsBelow(directory, directory)
const host = await FakeHost.start(paths.channelSocket, edgePart(JSON.parse(config)))
await runEdge({
  paths,
  version,
  restarted: 'omada-host-edge',
  logger: createLogger({ level: 'info', format: 'human', write: (line) => void process.stdout.write(line) }),
  setLogLevel: () => {},
  clock: systemClock,
  signal: stopping.signal,
  waiting: () => {},
  started: () => console.log('the edge serves now'),
  ending: async () => {},
})
await host.stop()
